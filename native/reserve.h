/* Descriptors that no worker may take up: to look at processes, and to kill, the fork server needs some. */
#ifndef RESERVE_H
#define RESERVE_H

#include <stdbool.h>

/* To be called once. */
void reserve_init(void);

/* The descriptors that are taken from now on are for a worker, or not. */
void reserve_for_worker(bool yes);

#endif

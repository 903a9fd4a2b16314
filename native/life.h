/* The life of a worker: how it begins, or why it does not, how it ends, and when it may be forgotten. */
#ifndef LIFE_H
#define LIFE_H

#include "spawn.h"
#include "worker.h"

/* To be called once, before the first life. */
void life_init(void);

/* The body of its request is there: it begins, or fails. */
void life_start(struct worker *worker, char *body, size_t length);

/* It never comes to be, and the master hears why. */
void life_fail(struct worker *worker, enum stage stage, int error);

/* Waits for those who have ended, whoever started them. */
void life_reap(void);

/* Forgets those of whom nothing is left to be told or killed. After a look somebody new may be among them. */
void life_forget(bool looked);

#endif

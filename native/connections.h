/*
 * The connections of the master: one for each worker, which gets it as stdin and stdout. The socket for them is in the
 * abstract name space, and only the master's own process may use it.
 */
#ifndef CONNECTIONS_H
#define CONNECTIONS_H

#include "worker.h"

/* The socket, or -1. */
int connections_listen(pid_t only_for);

/* How the master reaches it. */
bool connections_name(char *name, size_t size);

/* Somebody has connected. */
void connections_accept(void);

/* More of a request has come. */
void connections_read(struct worker *worker);

#endif

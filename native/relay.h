/*
 * What a worker writes to its stdout and stderr is passed on to the master, which then needs no descriptor and no stream for
 * a worker that says little. Who has said some waits until the master asks for more, or takes the pipe and reads it itself.
 */
#ifndef RELAY_H
#define RELAY_H

#include "worker.h"

/* The worker's end of a new pipe, or -1. */
int relay_open(struct relay *relay);

/* Passes on what is there now, once: there may be more. */
void relay_pass(struct worker *worker, struct relay *relay);

/* The master has dealt with what came, and wants as much again. */
void relay_more(struct relay *relay);

/* Nobody wants it any more, or the master reads it itself from now on. */
void relay_drop(struct relay *relay);

#endif

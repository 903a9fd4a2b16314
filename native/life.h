/* The life of a worker: how it begins, or why it does not, how it ends, and when it may be forgotten. */
#ifndef LIFE_H
#define LIFE_H

#include "spawn.h"
#include "worker.h"

/* To be called once, before the first life. */
void life_init(void);

/* Its request is there: it begins, or fails. */
void life_start(struct worker *worker);

/* It never comes to be, and the master hears why. */
void life_fail(struct worker *worker, enum stage stage, int error);

/* Nobody waits for it any more. */
void life_abandon(struct worker *worker);

/* Passes on some of what it wrote to its stderr, and the end of that. */
void life_pass_stderr(struct worker *worker);

/* Waits for those who have ended, whoever started them. */
void life_reap(void);

/* Forgets those of whom nothing is left to be told or killed. After a look somebody new may be among them. */
void life_forget(bool looked);

#endif

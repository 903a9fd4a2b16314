/* What the fork server waits for, and how that ends. */
#ifndef WATCH_H
#define WATCH_H

#include "worker.h"

extern int poller;        /* for everything */
extern int stderr_poller; /* for what the workers write to their stderr: it is itself watched by `poller` */

void watch_init(void);

bool watch_add(int in, int file, uint32_t events, struct source *source);

/* What there is of its group to be watched. */
void watch_group(struct worker *worker);

/* Whether what it writes to its stderr is wanted. */
void watch_stderr(struct worker *worker, bool wanted);

void drop_file(int *file);

/* These end the watch as well. */
void drop_connection(struct worker *worker);
void drop_stderr(struct worker *worker);
/* 0, or EBUSY while something in it still dies. */
int drop_group(struct worker *worker);

#endif

/* What the fork server waits for, and how that ends. */
#ifndef WATCH_H
#define WATCH_H

#include "worker.h"

extern int poller;        /* for everything */
extern int output_poller; /* for what the workers write: it is itself watched by `poller` */

void watch_init(void);

bool watch_add(int in, int file, uint32_t events, struct source *source);

/* What there is of its group to be watched. */
void watch_group(struct worker *worker);

void watch_end(int in, int file);

/* What a pipe may hold that the master writes to, and one that it reads: less than it reads at once. */
#define WIDE_INPUT (1 << 20)
#define WIDE_OUTPUT (1 << 18)

/* Lets a pipe hold more: so many bytes, if possible. */
void watch_widen(int file, int most);

void drop_file(int *file);

/* Ends the watch as well. 0, or EBUSY while something in it still dies. */
int drop_group(struct worker *worker);

#endif

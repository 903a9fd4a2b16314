/*
 * When to look at all processes, which is as seldom as possible: to kill what is left of a tree, to signal those who have
 * left its group, to measure, and to compare with limits that no kernel enforces. One look serves all trees.
 */
#ifndef LOOK_H
#define LOOK_H

#include "worker.h"

/* Says how its limits are enforced, and begins to watch what nobody else does. */
void look_watch(struct worker *worker);

/* Kills its tree, now and until nothing is left. */
void look_kill(struct worker *worker);

/* Sends a signal to its tree. */
void look_signal(struct worker *worker, int signal);

/* Its usage will be told. */
void look_measure(struct worker *worker);

/* A process has been waited for: whoever waits for an empty tree may find one. */
void look_again(void);

/* It is over its limit, as `by` has found: the cause is noted first, then its tree is killed. */
void look_break(struct worker *worker, enum limit limit, enum enforcer by, uint64_t observed);

/* A counter of its group may have moved. */
void look_at_group(struct worker *worker);

/* Does what is due. True when it looked at all processes: somebody may be gone. */
bool look_if_due(void);

/* Milliseconds for epoll_wait until something is due; -1 for nothing. */
int look_timeout(void);

#endif

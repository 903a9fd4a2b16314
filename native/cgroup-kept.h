/*
 * What is done with a group whenever a worker is born into it or has ended, by files that are kept open where it is used again and
 * again: to open and to close them is half of the work. All of it can be done by their names as well.
 */
#ifndef CGROUP_KEPT_H
#define CGROUP_KEPT_H

#include "cgroup-folder.h"
#include "cgroup.h"

static inline bool is_in(const struct cgroup *group, int hierarchy) { return (group->made & 1U << hierarchy) != 0; }

/* A new group has none; it gets them when it is used again, unless many have some, or files are scarce. */
void kept_none(struct cgroup *group);
void kept_open(struct cgroup *group);
void kept_close(struct cgroup *group);

/* Whether it was seen that nobody is in it, and no group below it, in one of the hierarchies it was made in. */
bool kept_is_empty(const struct cgroup *group, int hierarchy);

/* Moves the calling process in. System calls and the stack only; 0 or an errno. */
int kept_join(const struct cgroup *group, int hierarchy);

/* Version 1 remembers the highest use of memory until it is told to forget it. Whether it has. */
bool kept_forget_peaks(const struct cgroup *group);

#endif

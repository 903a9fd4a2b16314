/* How it is noticed that a group has broken its limit on memory or processes. */
#ifndef CGROUP_BREAK_H
#define CGROUP_BREAK_H

#include "cgroup-folder.h"
#include "cgroup.h"

/* What cgroup.c keeps open of a group, in this order. */
enum file { CPU_TIME_FILE, MEMORY_FILE, MEMORY_PEAK_FILE, PROCESSES_FILE, MEMORY_EVENTS, PROCESSES_EVENTS };

/* Makes epoll wake when one of its counters moves. Hierarchies: those it was made in, NULL for none. 0 or an errno. */
int break_watch(struct cgroup *group, const struct hierarchy *memory, const struct hierarchy *processes);

/* Whether it was never woken for one, and never counted one. */
bool break_never(const struct cgroup *group);

#endif

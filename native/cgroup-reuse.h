/*
 * Groups of version 1 that are as good as new are kept for the next worker with the same limits: the kernel needs half as long
 * as a start to make and to remove them, and holds up others meanwhile.
 */
#ifndef CGROUP_REUSE_H
#define CGROUP_REUSE_H

#include "cgroup-folder.h"
#include "cgroup.h"

/* Takes an empty group over, if it is as good as new. False when it is to be removed, or the one that is there instead then. */
bool reuse_keep(struct cgroup *group);

/* One that was kept, in these hierarchies and with these limits. False when there is none. */
bool reuse_take(struct cgroup *group, unsigned made, const struct limits *limits);

#endif

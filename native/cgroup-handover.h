/*
 * Gets the controllers of version 2 from the own group down to the groups of the workers. Only a group without processes
 * can hand them down, the root apart: a master that is alone in its group moves into a leaf for that.
 */
#ifndef CGROUP_HANDOVER_H
#define CGROUP_HANDOVER_H

#include <sys/types.h>

#include "cgroup-folder.h"

#define PREFIX "pagent-"
#define HOST "-host"

/* Whose processes may be moved: the server and its parent, the master, and their children. */
struct family {
  pid_t server;
  pid_t master;
};

/* As bits, the controllers that groups in the folder of `hierarchy` have now. `is_shared`: strangers are in the way. */
unsigned handover_get(int base, struct hierarchy *hierarchy, const struct family *family, bool *is_shared);

/* The master goes back to where it was, unless another server has come to need the controllers. */
void handover_undo(const struct hierarchy *hierarchy);

#endif

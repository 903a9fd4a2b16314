/* From a request to a process. */
#ifndef SPAWN_H
#define SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

#include "cgroup.h"
#include "request.h"

/* Where a start failed. The numbers are part of the protocol. */
enum stage { STAGE_REQUEST, STAGE_PIPE, STAGE_CGROUP, STAGE_FORK, STAGE_SESSION, STAGE_RLIMIT, STAGE_CWD, STAGE_EXEC };

struct spawn {
  const struct request *request;
  const struct cgroup *group; /* NULL for none */
  int streams[3];             /* what becomes stdin, stdout and stderr */
  uint32_t slot;              /* the mark of its tree */
  bool born_inside;           /* its group of version 2: set on the way */
  enum stage stage;           /* set when it failed */
  int error;
};

/* To be called once. */
void spawn_init(void);

/* The process, after its exec, or -1. The caller is suspended meanwhile. Blocks no longer than an exec takes. */
pid_t spawn_process(struct spawn *spawn);

#endif

/*
 * Control groups: version 2 where its controllers are there and may be used, else version 1, and of an empty version 2
 * tree what it can do without controllers (kill a group, read its CPU time).
 */
#ifndef CGROUP_H
#define CGROUP_H

#include <stdbool.h>
#include <sys/types.h>

#include "limits.h"

/* What cgroup_probe found. BY_NOBODY where there is nothing, or nothing that may be written. */
struct cgroup_support {
  enum enforcer memory;
  enum enforcer processes;
  enum enforcer cpus;
  enum enforcer cpu_time; /* the CPU time of a group can be read */
  enum enforcer kill;     /* a group can be killed at once */
  char folder[512];       /* where the groups are made; empty without any */
  char reason[256];       /* why there is not more, for people; empty when there is all */
};
extern struct cgroup_support cgroup_support;

/*
 * Looks once what this machine offers, and makes one folder for this server's groups in each hierarchy used. Removes
 * the folders of servers that no longer live. `master` is the process whose workers these will be.
 */
void cgroup_probe(pid_t master);

/* Kills whatever is in the groups of this server, and removes them. For the end, by whoever is left. */
void cgroup_remove_all(void);

/* Something that wakes epoll when a counter of the group has moved; then cgroup_broken says which. */
struct cgroup_watch {
  int fd;          /* -1 for none */
  uint32_t events; /* EPOLLIN or EPOLLPRI */
};

#define CGROUP_FILES 6
#define CGROUP_KEPT 13

struct cgroup {
  bool open;
  struct cgroup_watch watches[2];
  /* The rest is nobody's business but cgroup.c's. */
  char name[24];
  unsigned made; /* in which hierarchies, as bits */
  struct limits limits;
  bool was_killed;
  uint64_t cpu_time_before; /* of those who had the group before, in microseconds */
  int files[CGROUP_FILES]; /* kept open for reading, -1 where there is none */
  bool keeps;
  int kept[CGROUP_KEPT]; /* see cgroup-kept.h */
};

/* Whether one of the limits needs a group of its own. */
bool cgroup_needed(const struct limits *limits);

/* Makes the groups and sets the limits that have an enforcer here. 0, or an errno after which nothing is left. `id` is new. */
int cgroup_open(struct cgroup *group, uint64_t id, const struct limits *limits);

/* Moves the calling process in. For a child between clone(CLONE_VM | CLONE_VFORK) and exec: system calls only, no
 * allocation, no stdio, and nothing written to memory that is not its stack. 0 or an errno. */
int cgroup_join(const struct cgroup *group, bool born_inside);

/* Where a process can begin its life inside (CLONE_INTO_CGROUP): a descriptor to be given back, -1 without version 2. Then
 * `cgroup_join` need not move it there, which may take the kernel many milliseconds. */
int cgroup_birthplace(const struct cgroup *group);
void cgroup_give_back(const struct cgroup *group, int birthplace);

/* The limit that was broken since the group was opened, LIMIT_NONE when none; `observed` is what was counted. */
enum limit cgroup_broken(struct cgroup *group, uint64_t *observed);

/* Fills what the group knows exactly, leaves the rest as it is. */
void cgroup_usage(struct cgroup *group, struct usage *usage);

/* Kills everything in it, once. */
void cgroup_kill(struct cgroup *group);

/* Removes it, or keeps it for another. 0, or EBUSY while something in it still dies: call again. */
int cgroup_close(struct cgroup *group);

#endif

#define _GNU_SOURCE
#include "cgroup-reuse.h"

#include <string.h>

#include "cgroup-break.h"
#include "cgroup-kept.h"

#define MOST_IDLE 16
/* What a worker leaves in the cache of files stays with its group. So much may stay, of a limit that is large. */
#define LITTLE_MEMORY (1 << 20)
#define LARGE_LIMIT (16 << 20)

static struct cgroup idle[MOST_IDLE];
static int idle_count;

static bool nobody_left(const struct cgroup *group) {
  for (int i = 0; i < hierarchy_count; i++)
    if (is_in(group, i) && !kept_is_empty(group, i)) return false;
  return true;
}

static bool is_made_in(const struct cgroup *group, enum duty duty) {
  return hierarchy_of[duty] != NULL && group->made & 1U << (unsigned)(hierarchy_of[duty] - hierarchies);
}

/* Version 2 keeps the highest use of memory for good. */
static bool forgets_memory(const struct cgroup *group, const struct usage *usage) {
  if (!is_made_in(group, MEMORY)) return true;
  bool is_little = group->limits.memory >= LARGE_LIMIT && usage->memory <= LITTLE_MEMORY;
  return is_little && hierarchy_of[MEMORY]->version == 1 && kept_forget_peaks(group);
}

/* Its CPU time is counted on, from where it is now. */
static bool renew(struct cgroup *group) {
  struct usage usage = {0, UNKNOWN, UNKNOWN, UNKNOWN};
  cgroup_usage(group, &usage);
  if (!forgets_memory(group, &usage)) return false;
  group->cpu_time_before += usage.cpu_time;
  return true;
}

/* The oldest goes for it. */
static void replace(struct cgroup *group) {
  struct cgroup oldest = idle[0];
  memmove(idle, idle + 1, sizeof idle - sizeof *idle);
  idle[MOST_IDLE - 1] = *group;
  *group = oldest;
}

/* Linux from 6.13 on kills who is born into a group that was killed before, however long ago. */
bool reuse_keep(struct cgroup *group) {
  if (group->was_killed || !nobody_left(group) || !break_never(group) || !renew(group)) return false;
  if (idle_count == MOST_IDLE) return replace(group), false;
  kept_open(group);
  idle[idle_count++] = *group;
  return true;
}

static bool is_same(const struct limits *a, const struct limits *b) {
  return a->memory == b->memory && a->processes == b->processes && a->cpus == b->cpus;
}

bool reuse_take(struct cgroup *group, unsigned made, const struct limits *limits) {
  for (int i = idle_count - 1; i >= 0; i--) {
    if (idle[i].made != made || !is_same(&idle[i].limits, limits)) continue;
    *group = idle[i];
    idle_count--;
    memmove(idle + i, idle + i + 1, (size_t)(idle_count - i) * sizeof *idle);
    return true;
  }
  return false;
}

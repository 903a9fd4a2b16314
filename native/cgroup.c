#define _GNU_SOURCE
#include "cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup-break.h"
#include "cgroup-kept.h"
#include "cgroup-reuse.h"

/* A hundred milliseconds, what every group has unless it is told otherwise. In it `cpus` is counted. */
#define CPU_PERIOD 100000
#define LEAST_CPU_QUOTA 1000

/* The kernel refuses what is beyond all measure instead of taking it as no limit. */
#define MOST_CPUS UINT64_C(1000000000)
#define MOST_PROCESSES UINT64_C(4194304)

/* Under version 1 and under version 2. Not every kernel has the optional ones. */
static const struct {
  enum duty duty;
  bool optional;
  const char *names[2];
} files[CGROUP_FILES] = {
    [CPU_TIME_FILE] = {CPU_TIME, false, {"cpuacct.usage", "cpu.stat"}},
    [MEMORY_FILE] = {MEMORY, false, {"memory.usage_in_bytes", "memory.current"}},
    [MEMORY_PEAK_FILE] = {MEMORY, true, {"memory.max_usage_in_bytes", "memory.peak"}},
    [PROCESSES_FILE] = {PROCESSES, false, {"pids.current", "pids.current"}},
    [MEMORY_EVENTS] = {MEMORY, false, {"memory.oom_control", "memory.events"}},
    [PROCESSES_EVENTS] = {PROCESSES, true, {"pids.events", "pids.events"}},
};

static unsigned bit_of(const struct hierarchy *hierarchy) {
  return hierarchy ? 1U << (unsigned)(hierarchy - hierarchies) : 0;
}

/* The hierarchy of a duty if the group was made in it. */
static const struct hierarchy *home_of(const struct cgroup *group, enum duty duty) {
  return group->made & bit_of(hierarchy_of[duty]) ? hierarchy_of[duty] : NULL;
}

static unsigned hierarchies_for(const struct limits *limits) {
  unsigned needed = 0;
  if (limits->memory != UNLIMITED) needed |= bit_of(hierarchy_of[MEMORY]);
  if (limits->processes != UNLIMITED) needed |= bit_of(hierarchy_of[PROCESSES]);
  if (limits->cpus != UNLIMITED) needed |= bit_of(hierarchy_of[CPUS]);
  if (limits->cpu_time != UNLIMITED) needed |= bit_of(hierarchy_of[CPU_TIME]);
  return needed;
}

bool cgroup_needed(const struct limits *limits) { return hierarchies_for(limits) != 0; }

/* What could be made is remembered at once, so that it is removed after an error. */
static int make_folders(struct cgroup *group, unsigned needed) {
  for (int i = 0; i < hierarchy_count; i++) {
    if (!(needed & 1U << i)) continue;
    if (mkdirat(hierarchies[i].fd, group->name, 0755) < 0) return errno;
    group->made |= 1U << i;
  }
  return 0;
}

/* Swap would make a limit slow, not firm. Version 1 kills one process; who reads cgroup_broken kills the rest. */
static int limit_memory(const struct hierarchy *home, const char *name, uint64_t bytes) {
  if (home->version == 1) {
    int error = file_write_number(home->fd, name, "memory.limit_in_bytes", bytes);
    if (!error) file_write_number(home->fd, name, "memory.memsw.limit_in_bytes", bytes);
    return error;
  }
  int error = file_write_number(home->fd, name, "memory.max", bytes);
  if (!error) error = file_write_number(home->fd, name, "memory.oom.group", 1);
  if (!error) file_write_number(home->fd, name, "memory.swap.max", 0);
  return error;
}

/* Version 1 refuses more than the group above has; that one is then the stricter limit, and ours changes nothing. */
static int limit_cpus(const struct hierarchy *home, const char *name, uint64_t thousandths) {
  uint64_t quota = (thousandths < MOST_CPUS ? thousandths : MOST_CPUS) * (CPU_PERIOD / 1000);
  if (quota < LEAST_CPU_QUOTA) quota = LEAST_CPU_QUOTA;
  if (home->version == 1) {
    int error = file_write_number(home->fd, name, "cpu.cfs_quota_us", quota);
    return error == EINVAL ? 0 : error;
  }
  return file_write_number(home->fd, name, "cpu.max", quota);
}

/* The kernel counts threads, too: one process with ten more threads is eleven. */
static int limit_processes(const struct hierarchy *home, const char *name, uint64_t count) {
  return file_write_number(home->fd, name, "pids.max", count < MOST_PROCESSES ? count : MOST_PROCESSES);
}

static int set_limits(const struct cgroup *group, const struct limits *limits) {
  const struct hierarchy *memory = home_of(group, MEMORY), *processes = home_of(group, PROCESSES);
  const struct hierarchy *cpus = home_of(group, CPUS);
  int error = 0;
  if (memory && limits->memory != UNLIMITED) error = limit_memory(memory, group->name, limits->memory);
  if (!error && processes && limits->processes != UNLIMITED)
    error = limit_processes(processes, group->name, limits->processes);
  if (!error && cpus && limits->cpus != UNLIMITED) error = limit_cpus(cpus, group->name, limits->cpus);
  return error;
}

/* Nobody asks for the events of a limit that is not set. */
static bool file_wanted(const struct cgroup *group, int file) {
  if (file == MEMORY_EVENTS) return group->limits.memory != UNLIMITED;
  if (file == PROCESSES_EVENTS) return group->limits.processes != UNLIMITED;
  return true;
}

static int open_files(struct cgroup *group) {
  for (int i = 0; i < CGROUP_FILES; i++) {
    const struct hierarchy *home = home_of(group, files[i].duty);
    if (!home || !file_wanted(group, i)) continue;
    group->files[i] = file_open(home->fd, group->name, files[i].names[home->version - 1], O_RDONLY);
    if (group->files[i] < 0 && !(files[i].optional && errno == ENOENT)) return errno;
  }
  return 0;
}

static void prepare(struct cgroup *group, uint64_t id, const struct limits *limits) {
  *group = (struct cgroup){.open = true, .limits = *limits};
  snprintf(group->name, sizeof group->name, "%llu", (unsigned long long)id);
  for (int i = 0; i < CGROUP_FILES; i++) group->files[i] = -1;
  for (int i = 0; i < 2; i++) group->watches[i].fd = -1;
  kept_none(group);
}

int cgroup_open(struct cgroup *group, uint64_t id, const struct limits *limits) {
  unsigned needed = hierarchies_for(limits);
  if (needed) needed |= bit_of(hierarchy_of[KILL]);
  if (reuse_take(group, needed, limits)) return 0;
  prepare(group, id, limits);
  int error = make_folders(group, needed);
  if (!error) error = set_limits(group, limits);
  if (!error) error = open_files(group);
  if (!error) error = break_watch(group, home_of(group, MEMORY), home_of(group, PROCESSES));
  if (error) cgroup_close(group);
  if (error) group->open = false;
  return error;
}

int cgroup_join(const struct cgroup *group, bool born_inside) {
  int error = 0;
  for (int i = 0; i < hierarchy_count && !error; i++)
    if (is_in(group, i) && !(born_inside && hierarchies[i].version == 2)) error = kept_join(group, i);
  return error;
}

static bool read_number(const struct cgroup *group, enum file file, const char *key, uint64_t *number) {
  char text[512];
  return file_read_again(group->files[file], text, sizeof text) > 0 && number_of(text, key, number);
}

static void read_cpu_time(const struct cgroup *group, uint64_t *microseconds) {
  const struct hierarchy *clock = home_of(group, CPU_TIME);
  bool nanoseconds = clock && clock->version == 1;
  uint64_t total;
  if (!read_number(group, CPU_TIME_FILE, nanoseconds ? "" : "usage_usec", &total)) return;
  if (nanoseconds) total /= 1000;
  *microseconds = total > group->cpu_time_before ? total - group->cpu_time_before : 0;
}

void cgroup_usage(struct cgroup *group, struct usage *usage) {
  if (!group->open) return;
  read_cpu_time(group, &usage->cpu_time);
  read_number(group, MEMORY_FILE, "", &usage->memory);
  read_number(group, MEMORY_PEAK_FILE, "", &usage->memory_peak);
  read_number(group, PROCESSES_FILE, "", &usage->processes);
}

/* The same processes are in all hierarchies; the one that can kill at once is asked first. */
void cgroup_kill(struct cgroup *group) {
  const struct hierarchy *home = home_of(group, KILL);
  for (int i = 0; i < hierarchy_count && !home; i++)
    if (is_in(group, i)) home = &hierarchies[i];
  if (!home || kept_is_empty(group, (int)(home - hierarchies))) return;
  group->was_killed = true;
  folder_kill(home->fd, group->name);
}

static void close_file(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

static void close_files(struct cgroup *group) {
  for (int i = 0; i < 2; i++) {
    bool own = group->watches[i].events == EPOLLIN;
    if (own) close_file(&group->watches[i].fd);
    group->watches[i].fd = -1;
  }
  for (int i = 0; i < CGROUP_FILES; i++) close_file(&group->files[i]);
  kept_close(group);
}

int cgroup_close(struct cgroup *group) {
  int error = 0;
  if (!group->open) return 0;
  if (reuse_keep(group)) return group->open = false, 0;
  close_files(group);
  for (int i = 0; i < hierarchy_count; i++) {
    if (!is_in(group, i)) continue;
    int refused = folder_remove(hierarchies[i].fd, group->name);
    if (refused) error = refused;
    else group->made &= ~(1U << i);
  }
  group->open = error != 0;
  return error;
}

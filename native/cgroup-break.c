#define _GNU_SOURCE
#include "cgroup-break.h"

#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* More than the kernel asks for at once: so close to its limit a group is when it is refused memory. */
#define ONE_REFUSAL (256 * 1024)

enum watch { MEMORY_WATCH, PROCESSES_WATCH };

/* The file of events can itself be waited for, once it was read. */
static void watch_file(struct cgroup *group, enum watch watch, enum file file) {
  char text[256];
  if (group->files[file] < 0) return;
  file_read_again(group->files[file], text, sizeof text);
  group->watches[watch] = (struct cgroup_watch){group->files[file], EPOLLPRI};
}

/* Version 1 writes to an eventfd. */
static int watch_memory1(struct cgroup *group, const struct hierarchy *home) {
  char text[32];
  int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) return errno;
  group->watches[MEMORY_WATCH] = (struct cgroup_watch){fd, EPOLLIN};
  snprintf(text, sizeof text, "%d %d", fd, group->files[MEMORY_EVENTS]);
  return file_write(home->fd, group->name, "cgroup.event_control", text);
}

/* Not pids.events of version 1: its counter counts, but since Linux 6.11 nobody is woken. */
int break_watch(struct cgroup *group, const struct hierarchy *memory, const struct hierarchy *processes) {
  if (processes && processes->version == 2) watch_file(group, PROCESSES_WATCH, PROCESSES_EVENTS);
  if (!memory || group->files[MEMORY_EVENTS] < 0) return 0;
  if (memory->version == 1) return watch_memory1(group, memory);
  watch_file(group, MEMORY_WATCH, MEMORY_EVENTS);
  return 0;
}

/* The kernel counts killed processes also when the machine or a group above ran out of memory, and not this group. Its
 * counters of refusals (failcnt) tell them apart on some kernels and stay 0 on others; the highest use tells always. */
static bool memory_reached1(const struct cgroup *group, const struct hierarchy *home) {
  static const char *const peaks[] = {"memory.max_usage_in_bytes", "memory.memsw.max_usage_in_bytes"};
  bool known = false;
  for (int i = 0; i < 2; i++) {
    char text[32];
    uint64_t peak;
    file_read(home->fd, group->name, peaks[i], text, sizeof text);
    if (!number_of(text, "", &peak)) continue;
    if (peak + ONE_REFUSAL >= group->limits.memory) return true;
    known = true;
  }
  return !known;
}

/* The eventfd comes before the kill. Who reads it in between sets it again: else nobody would look a second time. */
static bool memory_broken1(const struct cgroup *group, const struct hierarchy *home) {
  char text[256];
  uint64_t killed = 0, dying = 0, woken = 0;
  bool was_woken = read(group->watches[MEMORY_WATCH].fd, &woken, sizeof woken) == sizeof woken;
  file_read_again(group->files[MEMORY_EVENTS], text, sizeof text);
  if (number_of(text, "oom_kill", &killed) && killed > 0) return memory_reached1(group, home);
  if (!was_woken || !number_of(text, "under_oom", &dying) || dying == 0) return false;
  woken = 1;
  if (write(group->watches[MEMORY_WATCH].fd, &woken, sizeof woken) < 0) return false;
  return false;
}

/* `oom` counts how often this group itself ran out; `oom_kill` also what the machine's lack of memory has killed. */
static bool memory_broken2(const struct cgroup *group) {
  char text[512];
  uint64_t reached = 0, killed = 0;
  file_read_again(group->files[MEMORY_EVENTS], text, sizeof text);
  return number_of(text, "oom", &reached) && number_of(text, "oom_kill", &killed) && reached > 0 && killed > 0;
}

static bool memory_broken(const struct cgroup *group) {
  if (group->files[MEMORY_EVENTS] < 0) return false;
  const struct hierarchy *home = hierarchy_of[MEMORY];
  return home->version == 1 ? memory_broken1(group, home) : memory_broken2(group);
}

static bool processes_broken(const struct cgroup *group) {
  char text[128];
  uint64_t refused = 0;
  file_read_again(group->files[PROCESSES_EVENTS], text, sizeof text);
  return number_of(text, "max", &refused) && refused > 0;
}

/* Its counters are where they began. */
bool break_never(const struct cgroup *group) {
  char text[512];
  uint64_t killed = 0, woken = 0;
  if (processes_broken(group)) return false;
  if (group->files[MEMORY_EVENTS] < 0) return true;
  bool is_eventfd = group->watches[MEMORY_WATCH].events == EPOLLIN;
  if (is_eventfd && read(group->watches[MEMORY_WATCH].fd, &woken, sizeof woken) == sizeof woken) return false;
  file_read_again(group->files[MEMORY_EVENTS], text, sizeof text);
  return !number_of(text, "oom_kill", &killed) || killed == 0;
}

/* Both are read every time: reading is what stops epoll from waking again. */
enum limit cgroup_broken(struct cgroup *group, uint64_t *observed) {
  if (!group->open) return LIMIT_NONE;
  bool memory = memory_broken(group), processes = processes_broken(group);
  if (memory) return *observed = group->limits.memory, LIMIT_MEMORY;
  if (processes) return *observed = group->limits.processes + 1, LIMIT_PROCESSES;
  return LIMIT_NONE;
}

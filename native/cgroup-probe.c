#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cgroup-folder.h"
#include "cgroup-handover.h"
#include "cgroup-mounts.h"
#include "cgroup.h"

#define TRIAL "trial"
#define ALONE "start it in a control group of its own: systemd-run --user --scope -p Delegate=yes <command>"

/* So long the end waits for the dying, and the start for what a dead server left. */
#define END_PATIENCE 1000
#define SWEEP_PATIENCE 50

struct cgroup_support cgroup_support;
struct hierarchy hierarchies[HIERARCHIES];
int hierarchy_count;
const struct hierarchy *hierarchy_of[DUTIES];

/* Remembered, because cgroup_remove_all may be called by another process. */
static struct family family;

/* The first obstacle is the one to be told. */
__attribute__((format(printf, 1, 2))) static void explain(const char *format, ...) {
  if (cgroup_support.reason[0]) return;
  va_list values;
  va_start(values, format);
  vsnprintf(cgroup_support.reason, sizeof cgroup_support.reason, format, values);
  va_end(values);
}

/* --- Servers that no longer live --- */

/* A server holds a lock on its folder: its process id may mean nothing in our process namespace. */
static bool is_locked(int folder, const char *name) {
  int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  bool locked = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0;
  if (fd >= 0) close(fd);
  return locked;
}

static void remove_patiently(int folder, const char *name, int milliseconds) {
  struct timespec pause = {.tv_nsec = 1000000};
  while (folder_remove(folder, name) == EBUSY && milliseconds-- > 0) nanosleep(&pause, NULL);
}

/* The process id in the name of a folder of ours, and what follows it. 0 when it is not ours. */
static long server_in(const char *name, const char **rest) {
  char *end;
  if (strncmp(name, PREFIX, strlen(PREFIX)) != 0) return 0;
  long process = strtol(name + strlen(PREFIX), &end, 10);
  *rest = end;
  return process;
}

static bool is_dead(long process) {
  return process == family.server || (kill((pid_t)process, 0) < 0 && errno == ESRCH);
}

/* Whoever lives in the leaf of a host is a master or its family, and no worker: it goes only when it is empty. */
static void sweep_one(int folder, const char *name, int depth) {
  const char *rest = "";
  long process = server_in(name, &rest);
  (void)depth;
  if (process <= 0 || !is_dead(process)) return;
  if (strcmp(rest, HOST) == 0) unlinkat(folder, name, AT_REMOVEDIR);
  if (*rest || is_locked(folder, name)) return;
  folder_kill(folder, name);
  remove_patiently(folder, name, SWEEP_PATIENCE);
}

/* --- A trial shows what works; permissions on paper do not --- */

static bool can_write(const struct hierarchy *hierarchy, const char *file1, const char *file2, uint64_t value) {
  return file_write_number(hierarchy->fd, TRIAL, hierarchy->version == 1 ? file1 : file2, value) == 0;
}

static bool can_open(const struct hierarchy *hierarchy, const char *file, int flags) {
  int fd = file_open(hierarchy->fd, TRIAL, file, flags);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

static bool can_do(const struct hierarchy *hierarchy, int duty) {
  bool first = hierarchy->version == 1;
  switch (duty) {
    case MEMORY: return can_write(hierarchy, "memory.limit_in_bytes", "memory.max", 1 << 30);
    case PROCESSES: return can_write(hierarchy, "pids.max", "pids.max", 100);
    case CPUS: return can_open(hierarchy, first ? "cpu.cfs_quota_us" : "cpu.max", O_WRONLY);
    case CPU_TIME: return can_open(hierarchy, first ? "cpuacct.usage" : "cpu.stat", O_RDONLY);
    default: return !first && can_open(hierarchy, "cgroup.kill", O_WRONLY);
  }
}

/* Its end sends no signal, so that nobody hears of a child he does not know. */
static int try_to_join(int folder) {
  int status = 0;
  long child = syscall(SYS_clone, 0L, 0L, 0L, 0L, 0L);
  if (child == 0) _exit(folder_join(folder, TRIAL));
  if (child < 0) return errno;
  while (waitpid((pid_t)child, &status, __WALL) < 0)
    if (errno != EINTR) return errno;
  return WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
}

static unsigned try_all(const struct hierarchy *hierarchy, unsigned duties) {
  unsigned working = 0;
  if (mkdirat(hierarchy->fd, TRIAL, 0755) < 0) {
    explain("cannot make groups in %s: %s", hierarchy->folder, strerror(errno));
    return 0;
  }
  int error = try_to_join(hierarchy->fd);
  if (error) explain("cannot put a process into a group in %s: %s", hierarchy->folder, strerror(error));
  for (int duty = 0; duty < DUTIES && !error; duty++)
    if (duties & 1U << duty && can_do(hierarchy, duty)) working |= 1U << duty;
  remove_patiently(hierarchy->fd, TRIAL, SWEEP_PATIENCE);
  return working;
}

/* --- Which hierarchies are of use --- */

/* A master that had to move into a leaf makes its groups beside the leaf, not in it. */
static void leave_host(char *base) {
  const char *rest = "";
  char *last = strrchr(base, '/');
  if (last && server_in(last + 1, &rest) > 0 && strcmp(rest, HOST) == 0) *last = '\0';
}

static int make_folder(struct hierarchy *hierarchy, const char *base) {
  int length = snprintf(hierarchy->folder, sizeof hierarchy->folder, "%s/" PREFIX "%d", base, (int)family.server);
  if (length < 0 || (size_t)length >= sizeof hierarchy->folder) return ENAMETOOLONG;
  if (mkdir(hierarchy->folder, 0755) < 0) return errno;
  hierarchy->fd = open(hierarchy->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (hierarchy->fd >= 0) return flock(hierarchy->fd, LOCK_SH | LOCK_NB), 0;
  int error = errno;
  rmdir(hierarchy->folder);
  return error;
}

static unsigned unassigned(unsigned duties) {
  for (int duty = 0; duty < DUTIES; duty++)
    if (hierarchy_of[duty]) duties &= ~(1U << duty);
  return duties;
}

static void drop(struct hierarchy *hierarchy) {
  close(hierarchy->fd);
  rmdir(hierarchy->folder);
  handover_undo(hierarchy);
}

static bool assign(struct hierarchy *hierarchy, unsigned duties) {
  for (int duty = 0; duty < DUTIES; duty++)
    if (duties & 1U << duty) hierarchy_of[duty] = hierarchy;
  if (duties) hierarchy_count++;
  else drop(hierarchy);
  return duties != 0;
}

static bool use(int version, unsigned duties, char *base) {
  if (hierarchy_count == HIERARCHIES) return false;
  struct hierarchy *hierarchy = &hierarchies[hierarchy_count];
  *hierarchy = (struct hierarchy){.version = version, .fd = -1};
  leave_host(base);
  int fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) folder_each(fd, ".", sweep_one, 0);
  int error = fd < 0 ? errno : make_folder(hierarchy, base);
  if (error) explain("cannot make a control group in %s: %s; " ALONE, base, strerror(error));
  bool is_shared = false;
  if (!error && version == 2) duties = handover_get(fd, hierarchy, &family, &is_shared) | 1U << CPU_TIME | 1U << KILL;
  if (is_shared) explain("other processes share its control group; " ALONE);
  if (fd >= 0) close(fd);
  return !error && assign(hierarchy, try_all(hierarchy, unassigned(duties)));
}

static void explain_missing(unsigned missing) {
  char text[128] = "";
  char *end = text;
  for (int i = 0; i < DUTIES; i++)
    if (missing & 1U << i) end = stpcpy(stpcpy(end, " "), i < KILL ? controllers[i] : "cgroup.kill (Linux 5.14)");
  explain("missing here:%s", text);
}

static enum enforcer enforcer_of(enum duty duty) {
  if (!hierarchy_of[duty]) return BY_NOBODY;
  return hierarchy_of[duty]->version == 2 ? BY_CGROUP2 : BY_CGROUP1;
}

static void summarise(void) {
  const struct hierarchy *shown = hierarchy_of[MEMORY] ? hierarchy_of[MEMORY] : hierarchies;
  cgroup_support.memory = enforcer_of(MEMORY);
  cgroup_support.processes = enforcer_of(PROCESSES);
  cgroup_support.cpus = enforcer_of(CPUS);
  cgroup_support.cpu_time = enforcer_of(CPU_TIME);
  cgroup_support.kill = enforcer_of(KILL);
  if (hierarchy_count) memcpy(cgroup_support.folder, shown->folder, sizeof cgroup_support.folder);
  unsigned missing = unassigned((1U << DUTIES) - 1);
  if (!missing) cgroup_support.reason[0] = '\0';
  else if (!hierarchy_count) explain("no control groups are mounted");
  else explain_missing(missing);
}

/* Version 2 first: what it offers nobody takes from version 1. */
void cgroup_probe(pid_t master) {
  family = (struct family){getpid(), master};
  mounts_find(2, unassigned, use);
  mounts_find(1, unassigned, use);
  summarise();
}

void cgroup_remove_all(void) {
  for (int i = 0; i < hierarchy_count; i++) {
    folder_kill(hierarchies[i].fd, ".");
    remove_patiently(AT_FDCWD, hierarchies[i].folder, END_PATIENCE);
    handover_undo(&hierarchies[i]);
  }
}

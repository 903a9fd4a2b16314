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
#include "cgroup.h"

#define PREFIX "pagent-"
#define HOST "-host"
#define TRIAL "trial"
#define PATH_SIZE 480
#define ALONE "start it in a control group of its own: systemd-run --user --scope -p Delegate=yes <command>"

/* So long the end waits for the dying, and the start for what a dead server left. */
#define END_PATIENCE 1000
#define SWEEP_PATIENCE 50

struct cgroup_support cgroup_support;
struct hierarchy hierarchies[HIERARCHIES];
int hierarchy_count;
const struct hierarchy *hierarchy_of[DUTIES];

/* What version 1 calls them, and version 2 the first three. */
static const char *const controllers[] = {
    [MEMORY] = "memory", [PROCESSES] = "pids", [CPUS] = "cpu", [CPU_TIME] = "cpuacct"};
#define CONTROLLERS1 4
#define CONTROLLERS2 3

/* Remembered, because cgroup_remove_all may be called by another process. */
static pid_t server;
static pid_t master_of_server;

/* The first obstacle is the one to be told. */
__attribute__((format(printf, 1, 2))) static void explain(const char *format, ...) {
  if (cgroup_support.reason[0]) return;
  va_list values;
  va_start(values, format);
  vsnprintf(cgroup_support.reason, sizeof cgroup_support.reason, format, values);
  va_end(values);
}

/* Which of the first `count` controllers are in a list, as bits. The list is cut to pieces. */
static unsigned duties_in(char *list, int count) {
  unsigned duties = 0;
  char *rest = list;
  for (char *word; (word = strsep(&rest, ", \n"));)
    for (int i = 0; i < count; i++)
      if (strcmp(word, controllers[i]) == 0) duties |= 1U << i;
  return duties;
}

static unsigned controllers_in(int folder, const char *file) {
  char text[512];
  file_read(folder, ".", file, text, sizeof text);
  return duties_in(text, CONTROLLERS2);
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
  return process == server || (kill((pid_t)process, 0) < 0 && errno == ESRCH);
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

/* --- Controllers of version 2: only a group without processes can hand them down, the root apart --- */

static bool is_family(pid_t process) {
  char path[32], text[512];
  int parent = 0;
  if (process == server || process == master_of_server || process == getppid()) return true;
  snprintf(path, sizeof path, "/proc/%d", (int)process);
  file_read(AT_FDCWD, path, "stat", text, sizeof text);
  const char *name_end = strrchr(text, ')');
  return name_end && sscanf(name_end + 1, " %*c %d", &parent) == 1 && parent == server;
}

/* The root may have processes, and has no type. */
static bool is_crowded(int base) {
  char text[32];
  return file_read(base, ".", "cgroup.type", text, sizeof text) > 0 &&
         file_read(base, ".", "cgroup.procs", text, sizeof text) > 0;
}

/* More than fit in here are more than the family. */
static bool only_family(int base) {
  char text[4096];
  char *rest = text;
  if (file_read(base, ".", "cgroup.procs", text, sizeof text) == sizeof text - 1) return false;
  for (char *line; (line = strsep(&rest, "\n")) && *line;)
    if (!is_family((pid_t)strtol(line, NULL, 10))) return false;
  return true;
}

/* One that has ended meanwhile need not be moved. */
static int move_all(int base, const char *from, const char *to) {
  char text[4096];
  char *rest = text;
  file_read(base, from, "cgroup.procs", text, sizeof text);
  for (char *line; (line = strsep(&rest, "\n")) && *line;) {
    int error = file_write(base, to, "cgroup.procs", line);
    if (error && error != ESRCH) return error;
  }
  return 0;
}

/* All of them or none. */
static int change_controllers(int folder, char sign, unsigned duties) {
  char text[64] = "";
  char *end = text;
  for (int i = 0; i < CONTROLLERS2; i++)
    if (duties & 1U << i) end += sprintf(end, "%c%s ", sign, controllers[i]);
  return *text ? file_write(folder, ".", "cgroup.subtree_control", text) : 0;
}

/* One by one, because one may be refused for a reason of its own. */
static void hand_down(int folder, unsigned duties) {
  for (int i = 0; i < CONTROLLERS2; i++) change_controllers(folder, '+', duties & 1U << i);
}

/* A process that is born while we move the others makes a second round worth while. Nothing gained: all goes back. */
static void hand_down_crowded(int base, struct hierarchy *hierarchy, unsigned duties) {
  char host[64];
  snprintf(host, sizeof host, PREFIX "%d" HOST, (int)server);
  if (mkdirat(base, host, 0755) < 0 && errno != EEXIST) return;
  for (int round = 0; round < 3 && is_crowded(base); round++)
    if (!only_family(base) || move_all(base, ".", host) != 0) break;
  if (!is_crowded(base)) hand_down(base, duties);
  if (controllers_in(base, "cgroup.subtree_control") & duties) {
    stpcpy(stpcpy(hierarchy->host, hierarchy->folder), HOST);
    hierarchy->handed_down = duties;
    return;
  }
  move_all(base, host, ".");
  unlinkat(base, host, AT_REMOVEDIR);
}

/* The master goes back to where it was, unless another server has come to need the controllers. */
static void leave_as_found(const struct hierarchy *hierarchy) {
  char base[sizeof hierarchy->folder];
  if (!hierarchy->host[0]) return;
  memcpy(base, hierarchy->folder, sizeof base);
  *strrchr(base, '/') = '\0';
  int fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0 && change_controllers(fd, '-', hierarchy->handed_down) == 0)
    move_all(fd, strrchr(hierarchy->host, '/') + 1, ".");
  rmdir(hierarchy->host);
  if (fd >= 0) close(fd);
}

/* Gets the controllers of the own group down to the groups of the workers. */
static unsigned get_controllers(int base, struct hierarchy *hierarchy) {
  unsigned available = controllers_in(base, "cgroup.controllers");
  unsigned missing = available & ~controllers_in(base, "cgroup.subtree_control");
  if (missing && !is_crowded(base)) hand_down(base, missing);
  else if (missing && only_family(base)) hand_down_crowded(base, hierarchy, missing);
  else if (missing) explain("other processes share its control group; " ALONE);
  hand_down(hierarchy->fd, available & controllers_in(base, "cgroup.subtree_control"));
  return controllers_in(hierarchy->fd, "cgroup.subtree_control");
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

/* --- Which hierarchies there are, and where the own group is --- */

/* A master that had to move into a leaf makes its groups beside the leaf, not in it. */
static void leave_host(char *base) {
  const char *rest = "";
  char *last = strrchr(base, '/');
  if (last && server_in(last + 1, &rest) > 0 && strcmp(rest, HOST) == 0) *last = '\0';
}

static int make_folder(struct hierarchy *hierarchy, const char *base) {
  int length = snprintf(hierarchy->folder, sizeof hierarchy->folder, "%s/" PREFIX "%d", base, (int)server);
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
  leave_as_found(hierarchy);
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
  if (!error && version == 2) duties = get_controllers(fd, hierarchy) | 1U << CPU_TIME | 1U << KILL;
  if (fd >= 0) close(fd);
  return !error && assign(hierarchy, try_all(hierarchy, unassigned(duties)));
}

/* Blanks in paths come as \040. */
static void unescape(char *text) {
  char *to = text;
  for (const char *from = text; *from; to++) {
    char digits[4] = {0};
    if (*from == '\\') memcpy(digits, from + 1, strnlen(from + 1, 3));
    *to = digits[2] ? (char)strtol(digits, NULL, 8) : *from;
    from += digits[2] ? 4 : 1;
  }
  *to = '\0';
}

struct mount {
  char *root; /* which group it shows at its point */
  char *point;
  unsigned duties; /* of version 1 */
  int version;
};

/* 36 35 98:0 ROOT POINT rw,noatime master:1 - TYPE SOURCE rw,CONTROLLERS */
static bool parse_mount(char *line, struct mount *mount) {
  char *rest = strstr(line, " - cgroup");
  if (!rest) return false;
  *rest = '\0';
  rest += strlen(" - ");
  const char *type = strsep(&rest, " ");
  mount->version = strcmp(type, "cgroup2") == 0 ? 2 : 1;
  strsep(&rest, " ");
  mount->duties = rest ? duties_in(rest, CONTROLLERS1) : 0;
  for (int i = 0; i < 3; i++) strsep(&line, " ");
  mount->root = strsep(&line, " ");
  mount->point = strsep(&line, " ");
  if (!mount->root || !mount->point) return false;
  unescape(mount->root);
  unescape(mount->point);
  return true;
}

/* The own group as a path of the file system, when this mount shows it. */
static bool locate(const struct mount *mount, const char *group, char *base) {
  size_t length = strcmp(mount->root, "/") == 0 ? 0 : strlen(mount->root);
  if (strncmp(group, mount->root, length) != 0) return false;
  const char *below = group + length;
  if (*below && *below != '/') return false;
  if (strcmp(below, "/") == 0) below = "";
  int written = snprintf(base, PATH_SIZE, "%s%s", mount->point, below);
  return written > 0 && written < PATH_SIZE;
}

/* The first mount that works: the same hierarchy may be mounted more than once, and once read-only. */
static void find_mount(int version, unsigned duties, const char *group) {
  FILE *mounts = fopen("/proc/self/mountinfo", "re");
  char *line = NULL;
  char base[PATH_SIZE];
  size_t size = 0;
  bool found = false;
  while (mounts && !found && getline(&line, &size, mounts) > 0) {
    struct mount mount;
    if (!parse_mount(line, &mount) || mount.version != version) continue;
    if (version == 1 && !(mount.duties & duties)) continue;
    found = locate(&mount, group, base) && use(version, duties, base);
  }
  free(line);
  if (mounts) fclose(mounts);
}

/* A line is 4:memory,hugetlb:/the/group for version 1, and 0::/the/group for version 2. */
static void find_hierarchies(int version) {
  FILE *groups = fopen("/proc/self/cgroup", "re");
  char *line = NULL;
  size_t size = 0;
  while (groups && getline(&line, &size, groups) > 0) {
    char *rest = line;
    strsep(&rest, ":");
    char *list = strsep(&rest, ":");
    if (!rest || (version == 2) != (*list == '\0')) continue;
    rest[strcspn(rest, "\n")] = '\0';
    unsigned duties = version == 2 ? (1U << DUTIES) - 1 : unassigned(duties_in(list, CONTROLLERS1));
    if (duties) find_mount(version, duties, rest);
  }
  free(line);
  if (groups) fclose(groups);
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
  server = getpid();
  master_of_server = master;
  find_hierarchies(2);
  find_hierarchies(1);
  summarise();
}

void cgroup_remove_all(void) {
  for (int i = 0; i < hierarchy_count; i++) {
    folder_kill(hierarchies[i].fd, ".");
    remove_patiently(AT_FDCWD, hierarchies[i].folder, END_PATIENCE);
    leave_as_found(&hierarchies[i]);
  }
}

#define _GNU_SOURCE
#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mark.h"

#define SECOND UINT64_C(1000000)
/* Between two looks that both found somebody. */
#define PAUSE 1000
#define CHASES 200

static uint64_t to_microseconds(struct timespec time) {
  return (uint64_t)time.tv_sec * SECOND + (uint64_t)time.tv_nsec / 1000;
}

uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return to_microseconds(time);
}

uint64_t tree_cpu_time(pid_t pid) {
  clockid_t clock;
  struct timespec time;
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) != 0) return 0;
  return to_microseconds(time);
}

static bool starved;

bool tree_was_starved(void) { return starved; }

static void note_if_starved(void) { starved = starved || errno == EMFILE || errno == ENFILE || errno == ENOMEM; }

/* The length that was read, with a NUL behind it; 0 for nothing. */
static size_t read_file(const char *path, char *text, size_t size) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return note_if_starved(), 0;
  ssize_t length = read(file, text, size - 1);
  close(file);
  text[length > 0 ? length : 0] = 0;
  return length > 0 ? (size_t)length : 0;
}

/* The name of the program comes in parentheses and may hold anything, parentheses too. */
static bool read_process(pid_t pid, struct process *process) {
  char path[32], text[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  if (read_file(path, text, sizeof text) == 0) return false;
  char *rest = strrchr(text, ')');
  int parent, group;
  long long user, system, pages;
  if (rest == NULL) return false;
  int found = sscanf(rest + 2,
                     "%c %d %d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %lld %lld %*d %*d %*d %*d %*u %*u %lld",
                     &process->state, &parent, &group, &user, &system, &pages);
  if (found != 6) return false;
  process->pid = pid;
  process->parent = (pid_t)parent;
  process->group = (pid_t)group;
  process->waited_for = (uint64_t)(user + system) * (SECOND / (uint64_t)sysconf(_SC_CLK_TCK));
  process->memory = (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
  return true;
}

/* What the current look has found out, so that a long line of ancestors is not read for each of them. */
static struct {
  unsigned look;
  pid_t pid, branch;
} known[4096];
static unsigned look;

/* A sub-reaper is the ancestor of all that its descendants ever started. 0 for whoever does not descend from us. */
static pid_t find_branch(pid_t pid, pid_t parent) {
  pid_t own = getpid();
  struct process process;
  while (parent > 1 && parent != own) {
    size_t at = (size_t)parent % (sizeof known / sizeof *known);
    if (known[at].look == look && known[at].pid == parent) return known[at].branch;
    if (!read_process(parent, &process)) return 0;
    pid = parent;
    parent = process.parent;
  }
  return parent == own ? pid : 0;
}

static bool descends_from_us(struct process *process) {
  process->branch = find_branch(process->pid, process->parent);
  size_t at = (size_t)process->pid % (sizeof known / sizeof *known);
  known[at].look = look;
  known[at].pid = process->pid;
  known[at].branch = process->branch;
  return process->branch != 0;
}

static bool is_ours(pid_t pid, struct process *process) {
  process->slot = mark_of(pid);
  if (process->slot == 0 && mark_slots() > 0) return false;
  return read_process(pid, process) && process->state != 'Z' && process->state != 'X' && descends_from_us(process);
}

/* In a name space of process ids that has no /proc of its own, what it says would be about others. */
static bool is_about_us(void) {
  char name[16] = "";
  return readlink("/proc/self", name, sizeof name - 1) > 0 && strtol(name, NULL, 10) == getpid();
}

bool tree_visit(visitor *visit, void *context) {
  starved = false;
  if (!is_about_us()) return false;
  DIR *folder = opendir("/proc");
  if (folder == NULL) return note_if_starved(), starved;
  look++;
  for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
    pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
    struct process process;
    if (pid > 1 && pid != getpid() && is_ours(pid, &process)) visit(&process, context);
  }
  closedir(folder);
  return true;
}

uint64_t tree_proportional_memory(pid_t pid) {
  char path[40], text[2048];
  snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
  if (read_file(path, text, sizeof text) == 0) return 0;
  char *line = strstr(text, "\nPss:");
  return line == NULL ? 0 : strtoull(line + 5, NULL, 10) * 1024;
}

/* How many could be killed: who has become another user may be beyond us, and is not waited for. */
static unsigned killed;

static void kill_process(const struct process *process, void *unused) {
  (void)unused;
  if (kill(process->pid, SIGKILL) == 0) killed++;
}

/* Nobody is left when no child is: who loses its parent becomes ours. */
static bool reap_all(void) {
  pid_t ended;
  while ((ended = waitpid(-1, NULL, WNOHANG)) > 0) continue;
  return ended < 0 && errno == ECHILD;
}

bool tree_each_child(bool visit(pid_t child)) {
  static int file = -1;
  static pid_t whose;
  char path[64], text[4096 + 16];
  if (whose != getpid()) {
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    file = open(path, O_RDONLY | O_CLOEXEC);
    whose = getpid();
  }
  size_t kept = 0;
  for (off_t at = 0;;) {
    ssize_t length = file < 0 ? -1 : pread(file, text + kept, 4096, at);
    if (length < 0) return false;
    if (length == 0) return true;
    at += length;
    text[kept + (size_t)length] = 0;
    char *rest = text, *space;
    for (; (space = strchr(rest, ' ')) != NULL; rest = space + 1)
      if (!visit((pid_t)strtol(rest, NULL, 10))) return true;
    kept = strlen(rest); /* A number may be cut in two. */
    memmove(text, rest, kept);
  }
}

static bool kill_child(pid_t child) {
  if (kill(child, SIGKILL) == 0) killed++;
  return true;
}

void tree_kill_all(uint64_t patience) {
  uint64_t deadline = now() + patience;
  for (int idle_rounds = 0; !reap_all() && idle_rounds < 2 && now() < deadline;) {
    killed = 0;
    if (!tree_visit(kill_process, NULL)) return;
    /* Who forks and dies, again and again, is gone before a look comes to it, but is always our child. */
    for (int i = 0; i < CHASES && !reap_all(); i++) (void)tree_each_child(kill_child);
    idle_rounds = killed == 0 ? idle_rounds + 1 : 0;
    if (!reap_all()) nanosleep(&(struct timespec){0, PAUSE * 1000}, NULL);
  }
}

/* Exercises native/cgroup.c with real processes. Each test is a server of its own, in a process of its own. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../native/cgroup-kept.h"
#include "../../native/cgroup.h"

#define MiB (1024 * 1024)
#define SKIPPED 77
#define check(condition) (condition ? (void)0 : fail(#condition, __LINE__))

static void fail(const char *condition, int line) {
  printf("not ok line %d: %s (errno %d %s)\n", line, condition, errno, strerror(errno));
  fflush(stdout);
  cgroup_remove_all();
  _exit(1);
}

static void skip(const char *name, const char *reason) {
  printf("skip %s: %s\n", name, reason);
  fflush(stdout);
  cgroup_remove_all();
  _exit(SKIPPED);
}

/* Open in this program before it had opened anything. */
static int inherited;

/* Part of the names of the tests to run. */
static const char *wanted = "";

static const struct limits no_limits = {UNLIMITED, UNLIMITED, UNLIMITED, UNLIMITED, UNLIMITED, UNLIMITED};

static double now(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void pause_ms(long milliseconds) {
  struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  nanosleep(&time, NULL);
}

/* --- What workers do --- */

static void burn(double seconds) {
  double end = now(CLOCK_PROCESS_CPUTIME_ID) + seconds;
  while (now(CLOCK_PROCESS_CPUTIME_ID) < end) continue;
}

static void eat(size_t bytes) {
  for (size_t eaten = 0; eaten < bytes; eaten += MiB) {
    volatile char *block = malloc(MiB);
    if (!block) _exit(9);
    for (size_t at = 0; at < MiB; at += 4096) block[at] = 1;
  }
}

static void nothing(void) {}

/* Only the child is too big. */
static void bomb_in_child(void) {
  if (fork() == 0) {
    eat(256 * MiB);
    _exit(3);
  }
  wait(NULL);
}

static void sleep_long(void) {
  execl("/proc/self/exe", "cgroup-test", "sleep", (char *)NULL);
  _exit(9);
}

static int refused;

static void fork_often(void) {
  for (int i = 0; i < 8; i++) {
    pid_t child = fork();
    if (child == 0) sleep_long();
    if (child < 0) refused++;
  }
  _exit(refused == 5 ? 0 : 9);
}

static void fork_too_often(void) {
  for (int i = 0; i < 30; i++)
    if (fork() == 0) sleep_long();
}

static void burn_with_child(void) {
  if (fork() == 0) {
    burn(0.4);
    _exit(0);
  }
  burn(0.4);
  wait(NULL);
}

static void burn_a_little(void) { burn(0.4); }

/* Three sleepers, each further away than the one before. */
static void escape(void) {
  if (fork() == 0) sleep_long();
  if (fork() == 0) {
    setsid();
    if (fork() == 0) sleep_long();
    clearenv();
    setsid();
    sleep_long();
  }
}

/* --- What the tests need --- */

static pid_t start(const struct cgroup *group, void (*work)(void)) {
  pid_t worker = fork();
  check(worker >= 0);
  if (worker > 0) return worker;
  int error = cgroup_join(group, false);
  if (error) _exit(100 + error % 100);
  work();
  _exit(0);
}

static int end_of(pid_t worker) {
  int status = 0;
  check(waitpid(worker, &status, 0) == worker);
  return status;
}

static void close_soon(struct cgroup *group) {
  int error = EBUSY;
  for (int i = 0; i < 5000 && error == EBUSY; i++) {
    error = cgroup_close(group);
    if (error) pause_ms(1);
  }
  check(error == 0);
  check(!group->open);
}

/* Waits like the server does. */
static bool wakes_within(const struct cgroup_watch *watch, int milliseconds) {
  struct epoll_event event = {.events = watch->events};
  int poll = epoll_create1(EPOLL_CLOEXEC);
  check(poll >= 0 && epoll_ctl(poll, EPOLL_CTL_ADD, watch->fd, &event) == 0);
  int count = epoll_wait(poll, &event, 1, milliseconds);
  check(count >= 0);
  close(poll);
  return count == 1;
}

/* On a watch a wake may come before the counter has moved: look again, as the server's loop does. */
static enum limit broken_soon(struct cgroup *group, uint64_t *observed) {
  enum limit limit = LIMIT_NONE;
  for (int i = 0; i < 1000 && limit == LIMIT_NONE; i++) {
    limit = cgroup_broken(group, observed);
    if (limit == LIMIT_NONE) pause_ms(1);
  }
  return limit;
}

static int count_open_files(void) {
  int count = 0;
  for (int fd = 0; fd < 256; fd++) count += fcntl(fd, F_GETFD) >= 0;
  return count;
}

static int count_inherited_files(void) {
  int count = 0;
  for (int fd = 0; fd < 256; fd++) count += fcntl(fd, F_GETFD) == 0;
  return count;
}

static int is_gone(const char *folder, const char *name) {
  char path[600];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  struct stat found;
  return stat(path, &found) < 0 && errno == ENOENT;
}

/* --- The tests --- */

static void memory_bomb(const char *name) {
  if (cgroup_support.memory == BY_NOBODY) skip(name, cgroup_support.reason);
  struct limits limits = no_limits;
  struct cgroup group;
  uint64_t observed = 0;
  limits.memory = 32 * MiB;
  check(cgroup_needed(&limits) && cgroup_open(&group, 7, &limits) == 0);
  check(!wakes_within(&group.watches[0], 50) && cgroup_broken(&group, &observed) == LIMIT_NONE);
  pid_t worker = start(&group, bomb_in_child);
  check(wakes_within(&group.watches[0], 5000));
  check(broken_soon(&group, &observed) == LIMIT_MEMORY && observed == 32 * MiB);
  int status = end_of(worker);
  if (cgroup_support.memory == BY_CGROUP1) check(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  else check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  pause_ms(20);
  check(cgroup_broken(&group, &observed) == LIMIT_MEMORY && !wakes_within(&group.watches[0], 50));
  struct usage usage = {UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN};
  cgroup_usage(&group, &usage);
  check(usage.memory_peak == UNKNOWN || (usage.memory_peak > 30 * MiB && usage.memory_peak <= 32 * MiB));
  close_soon(&group);
}

static void many_processes(const char *name) {
  if (cgroup_support.processes == BY_NOBODY) skip(name, cgroup_support.reason);
  struct limits limits = no_limits;
  struct cgroup group;
  uint64_t observed = 0;
  limits.processes = 4;
  check(cgroup_open(&group, 7, &limits) == 0);
  check(cgroup_broken(&group, &observed) == LIMIT_NONE);
  pid_t worker = start(&group, fork_often);
  if (group.watches[1].fd >= 0) check(wakes_within(&group.watches[1], 5000));
  check(broken_soon(&group, &observed) == LIMIT_PROCESSES && observed == 5);
  check(end_of(worker) == 0);
  struct usage usage = {UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN};
  cgroup_usage(&group, &usage);
  check(usage.processes == 3);
  cgroup_kill(&group);
  pause_ms(20);
  cgroup_broken(&group, &observed);
  if (group.watches[1].fd >= 0) check(!wakes_within(&group.watches[1], 50));
  close_soon(&group);
}

static void cpu_time(const char *name) {
  if (cgroup_support.cpu_time == BY_NOBODY) skip(name, cgroup_support.reason);
  struct limits limits = no_limits;
  struct cgroup group;
  struct usage usage = {UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN};
  limits.cpu_time = 1000000;
  check(cgroup_open(&group, 7, &limits) == 0);
  check(end_of(start(&group, burn_with_child)) == 0);
  cgroup_usage(&group, &usage);
  check(usage.cpu_time > 720000 && usage.cpu_time < 880000);
  close_soon(&group);
}

static void throttle(const char *name) {
  if (cgroup_support.cpus == BY_NOBODY) skip(name, cgroup_support.reason);
  struct limits limits = no_limits;
  struct cgroup group;
  limits.cpus = 200;
  check(cgroup_open(&group, 7, &limits) == 0);
  double begin = now(CLOCK_MONOTONIC);
  check(end_of(start(&group, burn_a_little)) == 0);
  double taken = now(CLOCK_MONOTONIC) - begin;
  printf("# 0.4 seconds of work with a fifth of a CPU took %.2f seconds\n", taken);
  check(taken > 1.2);
  close_soon(&group);
}

static void nothing_broken(const char *name) {
  struct limits limits = {64 * MiB, 10000000, 1000, 10, UNLIMITED, UNLIMITED};
  struct cgroup group;
  struct usage usage = {UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN};
  uint64_t observed = 0;
  if (!cgroup_needed(&limits)) skip(name, cgroup_support.reason);
  check(cgroup_open(&group, 7, &limits) == 0 && count_inherited_files() == inherited);
  pid_t worker = start(&group, sleep_long);
  pause_ms(50);
  cgroup_usage(&group, &usage);
  check(cgroup_support.processes == BY_NOBODY || usage.processes == 1);
  check(cgroup_support.memory == BY_NOBODY || (usage.memory > 0 && usage.memory < 16 * MiB));
  check(cgroup_close(&group) == EBUSY && group.open);
  cgroup_kill(&group);
  check(WIFSIGNALED(end_of(worker)));
  check(cgroup_broken(&group, &observed) == LIMIT_NONE);
  close_soon(&group);
}

static void kill_escapees(const char *name) {
  struct limits limits = {UNLIMITED, 10000000, UNLIMITED, 1000, UNLIMITED, UNLIMITED};
  struct cgroup group;
  if (!cgroup_needed(&limits)) skip(name, cgroup_support.reason);
  check(cgroup_open(&group, 7, &limits) == 0);
  check(end_of(start(&group, escape)) == 0);
  pause_ms(50);
  check(cgroup_close(&group) == EBUSY);
  cgroup_kill(&group);
  close_soon(&group);
}

static void group_in_group(void) {
  char path[700];
  snprintf(path, sizeof path, "%s/7/inner", cgroup_support.folder);
  if (mkdir(path, 0755) < 0) _exit(9);
  snprintf(path, sizeof path, "%s/7/inner/cgroup.procs", cgroup_support.folder);
  if (fork() == 0) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "0", 1) < 0) _exit(9);
    sleep_long();
  }
}

static void removal(const char *name) {
  struct limits limits = {64 * MiB, UNLIMITED, UNLIMITED, UNLIMITED, UNLIMITED, UNLIMITED};
  struct cgroup group;
  if (cgroup_support.memory == BY_NOBODY) skip(name, cgroup_support.reason);
  check(cgroup_open(&group, 7, &limits) == 0 && !is_gone(cgroup_support.folder, "7"));
  check(cgroup_open(&(struct cgroup){0}, 7, &limits) == EEXIST && !is_gone(cgroup_support.folder, "7"));
  check(end_of(start(&group, group_in_group)) == 0);
  pause_ms(50);
  cgroup_kill(&group);
  close_soon(&group);
  check(is_gone(cgroup_support.folder, "7"));
  check(cgroup_close(&group) == 0);
  uint64_t observed = 0;
  struct usage usage = {1, 2, 3, 4};
  cgroup_usage(&group, &usage);
  check(usage.cpu_time == 1 && usage.processes == 4 && cgroup_broken(&group, &observed) == LIMIT_NONE);
  check(cgroup_open(&group, 7, &limits) == 0);
  close_soon(&group);
}

static bool is_kept(const char *id) { return !is_gone(cgroup_support.folder, id); }

/* Opens one, runs that in it, closes it. */
static void use(uint64_t id, const struct limits *limits, void (*member)(void)) {
  struct cgroup group;
  check(cgroup_open(&group, id, limits) == 0);
  end_of(start(&group, member));
  cgroup_kill(&group);
  pause_ms(20);
  close_soon(&group);
}

static bool is_empty(const struct cgroup *group, bool expected) {
  for (int i = 0; i < hierarchy_count; i++)
    if (is_in(group, i) && kept_is_empty(group, i) != expected) return !expected;
  return expected;
}

/* Although nobody was there a moment ago. */
static void see_who_comes(struct cgroup *group) {
  struct usage usage = {UNKNOWN, UNKNOWN, UNKNOWN, 0};
  check(is_empty(group, true));
  pid_t sleeper = start(group, sleep_long);
  for (int i = 0; i < 2000 && usage.processes == 0; i++) {
    pause_ms(1);
    cgroup_usage(group, &usage);
  }
  check(!is_empty(group, false));
  kill(sleeper, SIGKILL);
  end_of(sleeper);
}

static void reuse(const char *name) {
  struct limits limits = {64 * MiB, 10000000, UNLIMITED, 20, UNLIMITED, UNLIMITED}, others = limits;
  struct cgroup group;
  if (cgroup_support.memory != BY_CGROUP1 || cgroup_support.processes != BY_CGROUP1) skip(name, "not version 1");
  use(7, &limits, nothing);
  use(8, &limits, nothing);
  check(is_kept("7") && !is_kept("8"));
  /* With other limits it is another one. */
  others.processes = 21;
  use(9, &others, nothing);
  check(is_kept("7") && is_kept("9"));
  /* Nothing of the last one is to be seen. */
  use(10, &limits, burn_a_little);
  check(cgroup_open(&group, 11, &limits) == 0 && strcmp(group.name, "7") == 0);
  struct usage usage = {UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN};
  uint64_t observed;
  cgroup_usage(&group, &usage);
  check(usage.cpu_time < 1000 && usage.processes == 0 && usage.memory_peak < 2 * MiB);
  check(cgroup_broken(&group, &observed) == LIMIT_NONE);
  see_who_comes(&group);
  close_soon(&group);
  /* Who was refused a process, or had a group in its group, leaves none to others. */
  use(12, &limits, fork_too_often);
  check(!is_kept("7"));
  use(7, &limits, group_in_group);
  check(!is_kept("7"));
  /* The oldest of too many goes. */
  for (uint64_t i = 0; i < 20; i++) {
    others.processes = 30 + i;
    use(100 + i, &others, nothing);
  }
  check(!is_kept("9") && !is_kept("103") && is_kept("104") && is_kept("119"));
}

/* Every step of opening fails once for want of a file descriptor, and leaves nothing behind. */
static void few_files(const char *name) {
  struct limits limits = {64 * MiB, 10000000, 1000, 10, UNLIMITED, UNLIMITED};
  struct cgroup group;
  if (!cgroup_needed(&limits)) skip(name, cgroup_support.reason);
  int before = count_open_files(), failures = 0;
  for (rlim_t extra = 0; extra < 12; extra++) {
    struct rlimit few = {(rlim_t)before + extra, 1024};
    check(setrlimit(RLIMIT_NOFILE, &few) == 0);
    int error = cgroup_open(&group, 7, &limits);
    check(error == 0 || error == EMFILE);
    failures += error != 0;
    check(is_gone(cgroup_support.folder, "7") == (error != 0));
    group.was_killed = true; /* Nobody gets it after us. */
    if (!error) close_soon(&group);
    check(count_open_files() == before);
  }
  check(failures > 1 && failures < 12);
}

static void run_second(void) {
  pid_t other = fork();
  if (other == 0) {
    execl("/proc/self/exe", "cgroup-test", "second", (char *)NULL);
    _exit(9);
  }
  check(end_of(other) == 0);
}

static void two_servers(const char *name) {
  struct limits limits = {64 * MiB, 10000000, UNLIMITED, 10, UNLIMITED, UNLIMITED};
  struct cgroup group;
  char mine[512];
  if (!cgroup_needed(&limits)) skip(name, cgroup_support.reason);
  check(cgroup_open(&group, 7, &limits) == 0);
  pid_t worker = start(&group, sleep_long);
  memcpy(mine, cgroup_support.folder, sizeof mine);
  run_second();
  check(!is_gone(mine, "7") && waitpid(worker, NULL, WNOHANG) == 0);
  cgroup_kill(&group);
  end_of(worker);
  close_soon(&group);
}

/* The other of the two servers: same id of a worker, another folder. */
static int second(void) {
  struct limits limits = {64 * MiB, 10000000, UNLIMITED, 10, UNLIMITED, UNLIMITED};
  struct cgroup group;
  cgroup_probe(getppid());
  check(cgroup_needed(&limits) && cgroup_open(&group, 7, &limits) == 0);
  check(end_of(start(&group, nothing)) == 0);
  close_soon(&group);
  cgroup_remove_all();
  check(is_gone(cgroup_support.folder, "."));
  return 0;
}

/* A server that ends without a word, and leaves a sleeper in a group. Says what it left. */
static int careless(bool guarded) {
  struct limits limits = {64 * MiB, 10000000, UNLIMITED, 10, UNLIMITED, UNLIMITED};
  struct cgroup group;
  cgroup_probe(getppid());
  check(cgroup_open(&group, 7, &limits) == 0);
  pid_t worker = start(&group, sleep_long);
  pid_t guard = guarded ? fork() : 0;
  if (guarded && guard == 0) return pause_ms(20000), 0;
  pause_ms(50);
  printf("%d %d %s\n", (int)worker, (int)guard, cgroup_support.folder);
  return 0;
}

static bool dies_soon(pid_t process) {
  for (int i = 0; i < 2000; i++) {
    if (waitpid(process, NULL, WNOHANG) == process || kill(process, 0) < 0) return true;
    pause_ms(1);
  }
  return false;
}

static void sweep(const char *name) {
  struct limits limits = {64 * MiB, UNLIMITED, UNLIMITED, UNLIMITED, UNLIMITED, UNLIMITED};
  char folder[512] = "";
  int sleeper = 0, guard = 0;
  if (!cgroup_needed(&limits)) skip(name, cgroup_support.reason);
  FILE *server = popen("/proc/$PPID/exe careless", "re");
  check(server && fscanf(server, "%d %d %511s", &sleeper, &guard, folder) == 3);
  check(pclose(server) == 0 && !is_gone(folder, "7") && kill(sleeper, 0) == 0);
  run_second();
  check(is_gone(folder, ".") && dies_soon(sleeper));
}

/* It holds the lock it has inherited, as would a server whose process id means nothing here. */
static void sweep_guarded(const char *name) {
  struct limits limits = {64 * MiB, UNLIMITED, UNLIMITED, UNLIMITED, UNLIMITED, UNLIMITED};
  char folder[512] = "";
  int sleeper = 0, guard = 0;
  if (!cgroup_needed(&limits)) skip(name, cgroup_support.reason);
  FILE *server = popen("/proc/$PPID/exe guarded", "re");
  check(server && fscanf(server, "%d %d %511s", &sleeper, &guard, folder) == 3);
  check(pclose(server) == 0);
  run_second();
  check(!is_gone(folder, "7") && kill(sleeper, 0) == 0);
  check(kill(guard, SIGKILL) == 0 && dies_soon(guard));
  run_second();
  check(is_gone(folder, ".") && dies_soon(sleeper));
}

/* The server is a child forked after the probe; who is left removes what it made. */
static void guardian(const char *name) {
  struct limits limits = {64 * MiB, 10000000, UNLIMITED, 10, UNLIMITED, UNLIMITED};
  int tell[2];
  if (!cgroup_needed(&limits)) skip(name, cgroup_support.reason);
  check(pipe(tell) == 0);
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  pid_t server = fork();
  if (server == 0) {
    struct cgroup group;
    check(cgroup_open(&group, 7, &limits) == 0);
    pid_t worker = start(&group, sleep_long);
    pause_ms(50);
    _exit(write(tell[1], &worker, sizeof worker) != sizeof worker);
  }
  pid_t sleeper = 0;
  check(end_of(server) == 0 && read(tell[0], &sleeper, sizeof sleeper) == sizeof sleeper);
  check(kill(sleeper, 0) == 0 && !is_gone(cgroup_support.folder, "7"));
  cgroup_remove_all();
  check(is_gone(cgroup_support.folder, ".") && dies_soon(sleeper));
}

static void without_limits(const char *name) {
  struct cgroup group;
  struct limits limits = no_limits;
  (void)name;
  limits.open_files = 10;
  limits.file_size = 10;
  check(!cgroup_needed(&limits));
  int before = count_open_files();
  check(cgroup_open(&group, 7, &limits) == 0 && count_open_files() == before);
  check(end_of(start(&group, nothing)) == 0);
  close_soon(&group);
}

static void nothing_writable(const char *name) {
  struct limits limits = {64 * MiB, 10000000, 1000, 10, UNLIMITED, UNLIMITED};
  struct cgroup group;
  if (cgroup_needed(&limits)) skip(name, "groups can be made here");
  check(cgroup_support.reason[0] && !cgroup_support.folder[0]);
  check(cgroup_open(&group, 7, &limits) == 0);
  check(end_of(start(&group, nothing)) == 0);
  close_soon(&group);
}

static void costs(const char *name) {
  enum { TIMES = 200 };
  struct limits limits = {64 * MiB, 10000000, 1000, 10, UNLIMITED, UNLIMITED};
  struct cgroup group;
  struct usage usage;
  uint64_t observed;
  double opening = 0, joining = 0, reading = 0, closing = 0, looking = 0, born = 0;
  if (!cgroup_needed(&limits)) skip(name, cgroup_support.reason);
  for (int i = 0; i < TIMES; i++) {
    double times[8];
    times[0] = now(CLOCK_MONOTONIC);
    check(cgroup_open(&group, (uint64_t)i + 10, &limits) == 0);
    times[1] = now(CLOCK_MONOTONIC);
    end_of(start(&group, nothing));
    times[2] = now(CLOCK_MONOTONIC);
    cgroup_usage(&group, &usage);
    times[3] = now(CLOCK_MONOTONIC);
    cgroup_broken(&group, &observed);
    times[4] = now(CLOCK_MONOTONIC);
    close_soon(&group);
    times[5] = now(CLOCK_MONOTONIC);
    pid_t child = fork();
    if (child == 0) _exit(0);
    end_of(child);
    times[6] = now(CLOCK_MONOTONIC);
    opening += times[1] - times[0], joining += times[2] - times[1], reading += times[3] - times[2];
    looking += times[4] - times[3], closing += times[5] - times[4], born += times[6] - times[5];
  }
  printf("# microseconds: open %.0f, join %.0f, usage %.0f, broken %.0f, close %.0f\n", opening * 1e6 / TIMES,
         (joining - born) * 1e6 / TIMES, reading * 1e6 / TIMES, looking * 1e6 / TIMES, closing * 1e6 / TIMES);
}

/* --- Strangers, before anybody had to move --- */

static void own_groups(char *text, size_t size) {
  FILE *file = fopen("/proc/self/cgroup", "re");
  size_t length = file ? fread(text, 1, size - 1, file) : 0;
  if (file) fclose(file);
  text[length] = '\0';
}

static void strangers(const char *name) {
  char before[4096], after[4096];
  own_groups(before, sizeof before);
  own_groups(after, sizeof after);
  if (!strstr(cgroup_support.reason, "share")) skip(name, "not in a crowded group of version 2");
  check(strcmp(before, after) == 0 && !strstr(after, "-host"));
  check(cgroup_support.memory == BY_NOBODY && strstr(cgroup_support.reason, "systemd-run"));
}

/* --- One after the other --- */

static int run(const char *name, void (*test)(const char *name)) {
  if (!strstr(name, wanted)) return 0;
  pid_t child = fork();
  if (child == 0) {
    double begin = now(CLOCK_MONOTONIC);
    cgroup_probe(getppid());
    double taken = now(CLOCK_MONOTONIC) - begin;
    if (test == without_limits)
      printf("# memory %d, processes %d, cpus %d, cpu time %d, kill %d in %s (%s), probed in %.1f ms\n",
             cgroup_support.memory, cgroup_support.processes, cgroup_support.cpus, cgroup_support.cpu_time,
             cgroup_support.kill, cgroup_support.folder, cgroup_support.reason, taken * 1e3);
    fflush(stdout);
    test(name);
    cgroup_remove_all();
    check(!cgroup_support.folder[0] || is_gone(cgroup_support.folder, "."));
    check(!cgroup_support.folder[0] || is_gone(strcat(cgroup_support.folder, "-host"), "."));
    printf("ok %s\n", name);
    fflush(stdout);
    _exit(0);
  }
  int status = end_of(child);
  bool good = WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == SKIPPED);
  if (!good) printf("failed %s: status %d\n", name, status);
  return good ? 0 : 1;
}

static int run_strangers(void) {
  pid_t stranger = fork();
  if (stranger == 0) sleep_long();
  int failed = run("strangers in the own group are left alone", strangers);
  kill(stranger, SIGKILL);
  end_of(stranger);
  return failed;
}

static int run_all(void) {
  int failed = run_strangers();
  failed += run("a group without limits costs nothing", without_limits);
  failed += run("nothing writable, nothing done", nothing_writable);
  failed += run("a memory bomb is killed and told", memory_bomb);
  failed += run("one process too many is told", many_processes);
  failed += run("the CPU time is exact", cpu_time);
  failed += run("a share of a CPU is all there is", throttle);
  failed += run("a good worker breaks nothing", nothing_broken);
  failed += run("escapees are killed", kill_escapees);
  failed += run("what is closed is gone", removal);
  failed += run("a group that is as good as new is used again", reuse);
  failed += run("without file descriptors nothing is left behind", few_files);
  failed += run("two servers side by side", two_servers);
  failed += run("the folder of a dead server is swept", sweep);
  failed += run("a dead server with a living guardian is not swept", sweep_guarded);
  failed += run("the guardian removes what the server left", guardian);
  failed += run("costs", costs);
  return failed;
}

int main(int count, char **arguments) {
  const char *role = count > 1 ? arguments[1] : "";
  inherited = count_inherited_files();
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (strcmp(role, "sleep") == 0) return pause_ms(20000), 0;
  if (strcmp(role, "second") == 0) return second();
  if (strcmp(role, "careless") == 0) return careless(false);
  if (strcmp(role, "guarded") == 0) return careless(true);
  wanted = role;
  return run_all() ? 1 : 0;
}

/*
 * pagent's fork server: a small process beside the master that starts its workers and ends them.
 *
 *   master ── guardian ── fork server ─┬─ worker ── …
 *                                      └─ worker ── …
 *
 * A process is started from here because a fork copies the tables of all memory of its parent, and the master has a lot.
 * Both are sub-reapers (PR_SET_CHILD_SUBREAPER): whatever a worker starts, and however it detaches it, stays a
 * descendant. When the master ends, the fork server kills every descendant and goes. When the fork
 * server is killed, the guardian does that; when the guardian is killed, the fork server does.
 *
 * Descriptors: 0 commands of the master, 1 news for it (by a pipe that it opens as well), 2 its stderr, 3 to 5 its own stdin, stdout and stderr, for workers
 * that inherit them. A worker has a pipe for each of its streams. What it writes is passed on among the news, until it gets much. Then
 * the master opens that pipe by our number for it (/proc/<our pid>/fd/<number>). So it does with the worker's stdin, at once where
 * there are few workers; where there are many, what is little comes among the commands, for us to say.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "life.h"
#include "loop.h"
#include "mark.h"
#include "news.h"
#include "notify.h"
#include "reserve.h"
#include "spawn.h"
#include "tree.h"
#include "watch.h"

static void die(const char *what) {
  fprintf(stderr, "pagent fork server: %s: %s\n", what, strerror(errno));
  _exit(1);
}

/* ── the fork server ── */

/* Counts up with each change of what is said between the master and us. The other side is src/process/fork-server/protocol.ts. */
#define PROTOCOL 4

static void say_hello(int news) {
  char text[1024];
  const struct cgroup_support *can = &cgroup_support;
  snprintf(text, sizeof text,
           "protocol=%d\npid=%d\nnews=%d\nmemory=%d\nprocesses=%d\ncpus=%d\ncpuTime=%d\nreason=%s\n", PROTOCOL, (int)getpid(),
           news, (int)can->memory, (int)can->processes, (int)can->cpus, (int)can->cpu_time, can->reason);
  news_hello(text);
}

static int open_signals(void) {
  sigset_t heard;
  sigemptyset(&heard);
  sigaddset(&heard, SIGCHLD);
  sigaddset(&heard, GUARDIAN_DIED);
  return signalfd(-1, &heard, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* From linux/sched/types.h, which not every C library comes with. */
struct scheduling {
  uint32_t size, policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime, deadline, period;
};
#define RESET_ON_FORK 1
#define BEFORE_OTHERS -5

/*
 * Whoever looks after budgets of CPU time must get the CPU when all others want it, too. We need it often and for a moment:
 * a short slice says so to the kernel (6.12 and later), and being nicer than nobody helps where we may. No worker inherits it.
 */
static void hurry(void) {
  struct scheduling ours = {.size = sizeof ours, .flags = RESET_ON_FORK, .nice = BEFORE_OTHERS, .runtime = 100 * 1000};
  if (syscall(SYS_sched_setattr, 0, &ours, 0) != 0) {
    ours.nice = getpriority(PRIO_PROCESS, 0);
    (void)syscall(SYS_sched_setattr, 0, &ours, 0);
  }
  /* Where the kernel schedules by session, ours is what counts. */
  int file = open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC);
  if (file < 0) return;
  (void)!write(file, "-5", 2);
  close(file);
}

/* Whoever loses its parent becomes ours, and the end of the guardian is heard. */
static void become_server(pid_t guardian) {
  prctl(PR_SET_NAME, "pagent-fork");
  prctl(PR_SET_PDEATHSIG, GUARDIAN_DIED);
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  if (getppid() != guardian) _exit(1);
}

/* Only the first frame goes where the master has put it: a pipe that it opens itself it can read without allocating. */
static void greet(void) {
  int news[2];
  if (pipe2(news, O_CLOEXEC | O_NONBLOCK) != 0) die("it has no pipe for its news");
  watch_widen(news[1], WIDE_OUTPUT);
  news_init(1);
  say_hello(news[0]);
  news_flush();
  dup2(news[1], 1);
  fcntl(0, F_SETFL, O_NONBLOCK);
}

static void serve(pid_t guardian) {
  become_server(guardian);
  hurry();
  spawn_init();
  reserve_init();
  life_init();
  watch_init();
  int signals = open_signals();
  greet();
  if (!loop_prepare(signals)) die("it cannot wait for anything");
  loop(guardian);
}

/* ── the guardian ── */

/* Waits for the fork server to end; then nothing of its workers stays. */
static void guard(pid_t server) {
  prctl(PR_SET_NAME, "pagent-guard");
  for (int file = 0; file < 6; file++)
    if (file != 2) close(file);
  int status;
  while (waitpid(server, &status, 0) < 0 && errno == EINTR) continue;
  tree_kill_all(PATIENCE);
  cgroup_remove_all();
  _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

/* What we were given beyond our own descriptors is not for workers. */
static void tidy(void) {
  struct rlimit files;
  for (int file = 3; file < 6; file++) fcntl(file, F_SETFD, FD_CLOEXEC);
  getrlimit(RLIMIT_NOFILE, &files);
  int most = files.rlim_cur < 65536 ? (int)files.rlim_cur : 65536;
  for (int file = 6; file < most; file++) close(file);
  for (int signal = 1; signal < 65; signal++) (void)sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
  /* Of all 64, without asking the C library, which keeps some for itself and leaves them open. */
  uint64_t all = UINT64_MAX;
  (void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, sizeof all);
}

int main(int count, char **arguments) {
  if (count == 2 && strcmp(arguments[1], "notify") == 0) return notify();
  pid_t master = getppid();
  tidy();
  mark_init();
  setsid();
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  const char *cgroups = getenv("PAGENT_CGROUPS");
  if (cgroups == NULL || strcmp(cgroups, "off") != 0) cgroup_probe(master);
  else snprintf(cgroup_support.reason, sizeof cgroup_support.reason, "PAGENT_CGROUPS=off: control groups are not used");
  pid_t guardian = getpid();
  pid_t server = fork();
  if (server < 0) die("it cannot start");
  if (server == 0) serve(guardian);
  guard(server);
}

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
 * Descriptors: 0 commands of the master, 1 news for it, 2 its stderr, 3 to 5 its own stdin, stdout and stderr, for workers
 * that inherit them. For each worker the master makes one connection to a socket in the abstract name space, which
 * only the master's own process may use, writes a request on it, and the worker gets it as stdin and stdout.
 */
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
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cgroup.h"
#include "look.h"
#include "mark.h"
#include "news.h"
#include "spawn.h"
#include "tree.h"
#include "worker.h"

enum command { COMMAND_SIGNAL = 1, COMMAND_RELEASE = 2, COMMAND_MEASURE = 3, COMMAND_READ_STDERR = 4 };

#define COMMAND_LENGTH 12
#define PATIENCE UINT64_C(5000000)
/* Descriptors that no worker may take up: to look at processes, to kill, and to hang up, we need some. */
#define RESERVED 8
#define GUARDIAN_DIED SIGUSR1
#define REAPED_AT_ONCE 1000

static pid_t master, guardian;
static int poller = -1, stderr_poller = -1, listener = -1, null_device = -1;
static struct rlimit all_files;
static bool stderr_paused;
static uint64_t oom_kills, last_group;

static void die(const char *what) {
  fprintf(stderr, "pagent fork server: %s: %s\n", what, strerror(errno));
  _exit(1);
}

static bool watch(int in, int file, uint32_t events, struct source *source) {
  struct epoll_event event = {.events = events, .data = {.ptr = source}};
  return epoll_ctl(in, EPOLL_CTL_ADD, file, &event) == 0;
}

static void drop(int *file) {
  if (*file >= 0) close(*file);
  *file = -1;
}

/*
 * Closing alone does not end a watch while somebody else has the file open: the worker has the connection, and a child
 * has everything for a moment after we go on, because its exec lets us go before it closes what it must not inherit.
 */
static void unwatch(int in, int file) {
  if (file >= 0) (void)epoll_ctl(in, EPOLL_CTL_DEL, file, NULL);
}

static void drop_connection(struct worker *worker) {
  if (worker->watched) unwatch(poller, worker->connection);
  worker->watched = false;
  drop(&worker->connection);
}

static void drop_stderr(struct worker *worker) {
  unwatch(stderr_poller, worker->err);
  drop(&worker->err);
}

static int close_group(struct worker *worker) {
  for (int i = 0; i < 2; i++) unwatch(poller, worker->group.watches[i].fd);
  return cgroup_close(&worker->group);
}

/* ── the end ── */

/* Everything goes, whatever it was doing. */
static void finish(void) {
  for (struct worker *worker = workers; worker != NULL; worker = worker->next) {
    if (worker->phase == RUNNING) kill(-worker->pid, SIGKILL);
    if (worker->group.open) cgroup_kill(&worker->group);
  }
  tree_kill_all(PATIENCE);
  cgroup_remove_all();
  _exit(0);
}

/* ── the life of a worker ── */

/* Somebody may be over since the last round. */
static bool some_over;

static void forget_if_over(struct worker *worker) {
  bool over = worker->phase == FAILED || (worker->phase == ENDED && worker->released && worker->empty);
  if (!over) return;
  if (worker->news != 0) {
    some_over = true;
    return;
  }
  if (worker->group.open && close_group(worker) != 0) return look_again();
  drop_stderr(worker);
  worker_forget(worker);
}

static void forget_those_who_are_over(void) {
  some_over = false;
  for (struct worker *worker = workers, *next; worker != NULL; worker = next) {
    next = worker->next;
    forget_if_over(worker);
  }
}

static void abandon(struct worker *worker) {
  drop_connection(worker);
  drop_stderr(worker);
  news_drop(worker);
  worker_forget(worker);
}

static void fail(struct worker *worker, enum stage stage, int error) {
  some_over = true;
  worker->phase = FAILED;
  worker->stage = (uint8_t)stage;
  worker->status = error;
  drop_connection(worker);
  drop_stderr(worker);
  if (worker->group.open) (void)close_group(worker);
  news_add(worker, NEWS_FAILED);
}

/* Our end must not block; the worker's end is like any other pipe. */
static int open_stderr(struct worker *worker) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return -1;
  if (fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0 || !watch(stderr_poller, ends[0], EPOLLIN, &worker->on_err)) {
    int error = errno;
    close(ends[0]);
    close(ends[1]);
    errno = error;
    return -1;
  }
  worker->err = ends[0];
  return ends[1];
}

static int stream_of(enum stream mode, int own, int pipe) {
  return mode == STREAM_PIPE ? pipe : mode == STREAM_INHERIT ? own : null_device;
}

static void watch_group(struct worker *worker) {
  if (!worker->group.open) return;
  for (int i = 0; i < 2; i++) {
    const struct cgroup_watch *at = &worker->group.watches[i];
    if (at->fd >= 0) (void)watch(poller, at->fd, at->events, &worker->on_group);
  }
}

static void run(struct worker *worker, const struct request *request, int err) {
  struct spawn spawn = {.request = request, .slot = worker->slot};
  spawn.group = worker->group.open ? &worker->group : NULL;
  spawn.streams[0] = stream_of(request->in, 3, worker->connection);
  spawn.streams[1] = stream_of(request->out, 4, worker->connection);
  spawn.streams[2] = stream_of(request->err, 5, err);
  pid_t pid = spawn_process(&spawn);
  if (pid < 0) return fail(worker, spawn.stage, spawn.error);
  worker_born(worker, pid);
  drop_connection(worker);
  news_add(worker, NEWS_STARTED);
  watch_group(worker);
  look_watch(worker);
}

static void start(struct worker *worker, const struct request *request) {
  worker->limits = request->limits;
  worker_mark(worker);
  int err = request->err == STREAM_PIPE ? open_stderr(worker) : -1;
  if (request->err == STREAM_PIPE && err < 0) return fail(worker, STAGE_PIPE, errno);
  int fault = cgroup_needed(&worker->limits) ? cgroup_open(&worker->group, ++last_group, &worker->limits) : 0;
  if (fault != 0) fail(worker, STAGE_CGROUP, fault);
  else run(worker, request, err);
  drop(&err);
}

static void start_as_asked(struct worker *worker) {
  struct request request;
  int fault = request_parse(worker->body, worker->want, &request);
  if (fault != 0) fail(worker, STAGE_REQUEST, fault);
  else start(worker, &request);
  request_free(&request);
  free(worker->body);
  worker->body = NULL;
}

/* ── requests ── */

static uint32_t number_at(const unsigned char *at) {
  return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* The header is there. False when the connection is of no use. */
static bool expect_body(struct worker *worker) {
  uint32_t length = number_at(worker->header), id = number_at(worker->header + 4);
  if (worker_by_id(id) != NULL) return false;
  worker_name(worker, id);
  worker->body = length <= REQUEST_LARGEST ? malloc(length + 1) : NULL;
  worker->have = 0;
  worker->want = length;
  if (worker->body != NULL) return true;
  fail(worker, STAGE_REQUEST, length <= REQUEST_LARGEST ? ENOMEM : E2BIG);
  return true;
}

static void await_more(struct worker *worker) {
  if (worker->watched) return;
  worker->watched = watch(poller, worker->connection, EPOLLIN, &worker->on_connection);
  if (!worker->watched) abandon(worker);
}

/* Never more than was announced: what follows belongs to the worker. */
static void read_request(struct worker *worker) {
  for (;;) {
    char *into = worker->body != NULL ? worker->body : (char *)worker->header;
    ssize_t length = recv(worker->connection, into + worker->have, worker->want - worker->have, MSG_DONTWAIT);
    if (length < 0 && (errno == EAGAIN || errno == EINTR)) return await_more(worker);
    if (length <= 0) return abandon(worker);
    worker->have += (size_t)length;
    if (worker->have < worker->want) continue;
    if (worker->body != NULL) return start_as_asked(worker);
    if (!expect_body(worker)) return abandon(worker);
    if (worker->phase == FAILED) return;
    if (worker->want == 0) return start_as_asked(worker);
  }
}

/* Nobody but the master: the kernel says who has connected. */
static bool is_master(int connection) {
  struct ucred peer;
  socklen_t length = sizeof peer;
  return getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && peer.pid == master;
}

/* The descriptors that are taken from now on are for a worker, or not. */
static void for_worker(bool yes) {
  struct rlimit files = all_files;
  if (yes && files.rlim_cur >= 2 * RESERVED) files.rlim_cur -= RESERVED;
  (void)setrlimit(RLIMIT_NOFILE, &files);
}

/* No descriptor is left: with one that is reserved, so that the master hears of it. */
static void hang_up(void) {
  for_worker(false);
  int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  if (connection >= 0) close(connection);
  /* The whole system has none, or no memory. Who waits will still be there, and must not keep us busy until then. */
  else if (errno != EAGAIN) nanosleep(&(struct timespec){0, 10 * 1000 * 1000}, NULL);
}

static void accept_one(void) {
  int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  if (connection < 0) return errno == EAGAIN ? (void)0 : hang_up();
  struct worker *worker = is_master(connection) ? worker_new(connection) : NULL;
  if (worker == NULL) close(connection);
  else read_request(worker); /* It is usually there already. */
}

/* ── commands ── */

/* The master has nowhere to put it for now: the worker waits. */
static void read_stderr_or_not(struct worker *worker, bool read) {
  struct epoll_event event = {.events = read ? EPOLLIN : 0, .data = {.ptr = &worker->on_err}};
  if (worker->err >= 0) (void)epoll_ctl(stderr_poller, EPOLL_CTL_MOD, worker->err, &event);
}

static void obey(const unsigned char *frame) {
  struct worker *worker = worker_by_id(number_at(frame + 4));
  uint32_t argument = number_at(frame + 8);
  if (worker == NULL || worker->phase == ASKING || worker->phase == FAILED) return;
  switch (number_at(frame)) {
    case COMMAND_SIGNAL:
      if (argument == SIGKILL) look_kill(worker);
      else if (argument > 0 && argument < 65) look_signal(worker, (int)argument);
      return;
    case COMMAND_RELEASE:
      worker->released = true;
      news_drop(worker);
      drop_stderr(worker);
      return look_kill(worker);
    case COMMAND_MEASURE:
      return look_measure(worker);
    case COMMAND_READ_STDERR:
      return read_stderr_or_not(worker, argument != 0);
  }
}

static void read_commands(void) {
  static unsigned char buffer[COMMAND_LENGTH * 256];
  static size_t have;
  ssize_t length = read(0, buffer + have, sizeof buffer - have);
  if (length < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (length <= 0) finish();
  have += (size_t)length;
  size_t at = 0;
  for (; have - at >= COMMAND_LENGTH; at += COMMAND_LENGTH) obey(buffer + at);
  have -= at;
  memmove(buffer, buffer + at, have);
}

/* ── ends ── */

static uint64_t count_oom_kills(void) {
  char line[128];
  uint64_t count = 0;
  FILE *file = fopen("/proc/vmstat", "re");
  if (file == NULL) return UNKNOWN;
  while (fgets(line, sizeof line, file) != NULL)
    if (strncmp(line, "oom_kill ", 9) == 0) count = strtoull(line + 9, NULL, 10);
  fclose(file);
  return count;
}

static uint64_t cpu_time_of(const struct rusage *use) {
  return (uint64_t)(use->ru_utime.tv_sec + use->ru_stime.tv_sec) * 1000000 +
         (uint64_t)(use->ru_utime.tv_usec + use->ru_stime.tv_usec);
}

/* The kernel's word counts, also when the worker itself has lived on; ours only when it died of it. */
static void judge(struct worker *worker) {
  uint64_t observed = 0;
  bool killed = WIFSIGNALED(worker->status) && WTERMSIG(worker->status) == SIGKILL;
  enum limit broken = worker->group.open ? cgroup_broken(&worker->group, &observed) : LIMIT_NONE;
  if (broken == LIMIT_PROCESSES && worker->status == 0) broken = LIMIT_NONE;
  if (broken != LIMIT_NONE) {
    worker->broken = broken;
    worker->enforcer = worker_enforcer(worker, broken);
    worker->observed = observed;
  } else if (!killed) {
    worker->broken = LIMIT_NONE;
  }
  if (!killed || worker->was_killed || worker->broken != LIMIT_NONE) return;
  uint64_t kills = count_oom_kills();
  worker->system_oom = kills != UNKNOWN && kills > oom_kills;
  oom_kills = kills;
}

/* Once: there may be more. */
static void pass_stderr_of(struct worker *worker) {
  if (worker->err < 0 || news_pass_stderr(worker)) return;
  drop_stderr(worker);
  news_add(worker, NEWS_STDERR_END);
}

static void on_exit_of(struct worker *worker, int status) {
  worker_reaped(worker);
  worker->status = status;
  worker->next_look = UINT64_MAX;
  judge(worker);
  /* Its last words go first, and most often their end: then the master has nothing to wait for. */
  for (int i = 0; i < 2 && worker->news == 0; i++) pass_stderr_of(worker);
  news_add(worker, NEWS_EXITED);
}

/* Its rusage belongs to the tree whose mark it has, also when its parents are long dead. */
static void reap_one(pid_t pid) {
  struct rusage use;
  int status;
  struct worker *worker = worker_by_pid(pid);
  struct worker *tree = worker != NULL ? worker : worker_by_slot(mark_of(pid));
  if (wait4(pid, &status, 0, &use) != pid) return;
  if (tree != NULL) {
    tree->reaped += cpu_time_of(&use);
    uint64_t peak = (uint64_t)use.ru_maxrss * 1024;
    if (peak > tree->peak) tree->peak = peak;
    if (tree->killing) look_again();
  }
  if (worker != NULL) on_exit_of(worker, status);
}

/* Some at a time: whoever makes orphans as fast as they can be reaped must not have us for itself. */
static void reap(void) {
  for (int i = 0; i < REAPED_AT_ONCE; i++) {
    siginfo_t ended = {0};
    if (waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) != 0 || ended.si_pid == 0) return;
    reap_one(ended.si_pid);
  }
  kill(getpid(), SIGCHLD); /* The others come next. */
}

static void on_signal(int signals) {
  struct signalfd_siginfo signal;
  while (read(signals, &signal, sizeof signal) == sizeof signal)
    if (signal.ssi_signo == GUARDIAN_DIED && getppid() != guardian) finish();
  reap();
}

/* ── the loop ── */

static struct source on_listener = {SOURCE_LISTENER, NULL}, on_control = {SOURCE_CONTROL, NULL},
                     on_signals = {SOURCE_SIGNALS, NULL}, on_stderrs = {SOURCE_STDERR, NULL},
                     on_output = {SOURCE_OUTPUT, NULL};

static void pass_stderrs(void) {
  struct epoll_event events[64];
  news_flush();
  int count = epoll_wait(stderr_poller, events, 64, 0);
  for (int i = 0; i < count && !news_waiting(); i++) {
    struct source *source = events[i].data.ptr;
    pass_stderr_of(source->worker);
    news_flush();
  }
}

/* While the master does not read, nobody's stderr is read either. */
static void pause_or_resume(void) {
  bool waiting = news_waiting();
  if (waiting == stderr_paused) return;
  stderr_paused = waiting;
  (void)epoll_ctl(poller, waiting ? EPOLL_CTL_DEL : EPOLL_CTL_ADD, stderr_poller,
                  &(struct epoll_event){.events = EPOLLIN, .data = {.ptr = &on_stderrs}});
  (void)epoll_ctl(poller, waiting ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, 1,
                  &(struct epoll_event){.events = EPOLLOUT, .data = {.ptr = &on_output}});
}

static void handle(const struct source *source, int signals) {
  struct worker *worker = source->worker;
  switch (source->kind) {
    case SOURCE_SIGNALS: return on_signal(signals);
    case SOURCE_CONTROL: return read_commands();
    case SOURCE_LISTENER:
      for_worker(true);
      accept_one();
      return for_worker(false);
    case SOURCE_STDERR: return pass_stderrs();
    case SOURCE_OUTPUT: return news_flush();
    case SOURCE_CONNECTION:
      for_worker(true);
      if (worker->connection >= 0) read_request(worker);
      return for_worker(false);
    case SOURCE_GROUP:
      if (worker->group.open) look_at_group(worker);
      return;
  }
}

static void loop(int signals) {
  struct epoll_event events[64];
  for (;;) {
    int count = epoll_wait(poller, events, 64, look_timeout());
    for (int i = 0; i < count; i++) handle(events[i].data.ptr, signals);
    some_over = look_if_due() || some_over;
    news_flush();
    if (some_over) forget_those_who_are_over();
    worker_bury();
    pause_or_resume();
  }
}

/* ── the beginning ── */

/* The kernel chooses a name that is free. Its first byte is NUL: it is no file, and nobody has to remove it. */
static void listen_for_master(char *name, size_t size) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  socklen_t length = sizeof address.sun_family;
  listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (listener < 0 || bind(listener, (struct sockaddr *)&address, length) != 0 || listen(listener, 4096) != 0)
    die("it cannot listen");
  length = sizeof address;
  if (getsockname(listener, (struct sockaddr *)&address, &length) != 0) die("it has no name");
  size_t count = length - sizeof address.sun_family - 1;
  snprintf(name, size, "%.*s", (int)count, address.sun_path + 1);
}

static void say_hello(const char *name) {
  char text[2048];
  const struct cgroup_support *can = &cgroup_support;
  snprintf(text, sizeof text,
           "pid=%d\nsocket=%s\nmemory=%d\nprocesses=%d\ncpus=%d\ncpuTime=%d\nkill=%d\nmarks=%d\nfolder=%s\nreason=%s\n",
           (int)getpid(), name, (int)can->memory, (int)can->processes, (int)can->cpus, (int)can->cpu_time,
           (int)can->kill, mark_slots() > 0, can->folder, can->reason);
  news_hello(text);
}

static int open_signals(void) {
  sigset_t heard;
  sigemptyset(&heard);
  sigaddset(&heard, SIGCHLD);
  sigaddset(&heard, GUARDIAN_DIED);
  return signalfd(-1, &heard, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void serve(void) {
  char name[128];
  prctl(PR_SET_NAME, "pagent-fork");
  prctl(PR_SET_PDEATHSIG, GUARDIAN_DIED);
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  if (getppid() != guardian) _exit(1);
  spawn_init();
  getrlimit(RLIMIT_NOFILE, &all_files);
  oom_kills = count_oom_kills();
  int signals = open_signals();
  poller = epoll_create1(EPOLL_CLOEXEC);
  stderr_poller = epoll_create1(EPOLL_CLOEXEC);
  null_device = open("/dev/null", O_RDWR | O_CLOEXEC);
  listen_for_master(name, sizeof name);
  fcntl(0, F_SETFL, O_NONBLOCK);
  fcntl(1, F_SETFL, O_NONBLOCK);
  news_init(1);
  say_hello(name);
  news_flush();
  if (!watch(poller, signals, EPOLLIN, &on_signals) || !watch(poller, 0, EPOLLIN, &on_control) ||
      !watch(poller, listener, EPOLLIN, &on_listener) || !watch(poller, stderr_poller, EPOLLIN, &on_stderrs))
    die("it cannot wait for anything");
  loop(signals);
}

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

int main(void) {
  master = getppid();
  tidy();
  mark_init();
  setsid();
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  const char *cgroups = getenv("PAGENT_CGROUPS");
  if (cgroups == NULL || strcmp(cgroups, "off") != 0) cgroup_probe(master);
  else snprintf(cgroup_support.reason, sizeof cgroup_support.reason, "PAGENT_CGROUPS=off: control groups are not used");
  guardian = getpid();
  pid_t server = fork();
  if (server < 0) die("it cannot start");
  if (server == 0) serve();
  guard(server);
}

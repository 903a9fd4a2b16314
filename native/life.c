#define _GNU_SOURCE
#include "life.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "look.h"
#include "mark.h"
#include "news.h"
#include "relay.h"
#include "reserve.h"
#include "watch.h"

#define REAPED_AT_ONCE 1000

static int null_device = -1, vmstat = -1;
static uint64_t oom_kills, last_group;
/* Somebody may be over since the last round. */
static bool some_over;

/* Somebody waits for it: in one piece, from a file that is open. */
static uint64_t count_oom_kills(void) {
  static char text[32768];
  ssize_t length = pread(vmstat, text, sizeof text - 1, 0);
  text[length > 0 ? length : 0] = 0;
  const char *line = strstr(text, "\noom_kill ");
  return line == NULL ? UNKNOWN : strtoull(line + 10, NULL, 10);
}

void life_init(void) {
  vmstat = open("/proc/vmstat", O_RDONLY | O_CLOEXEC);
  oom_kills = count_oom_kills();
  null_device = open("/dev/null", O_RDWR | O_CLOEXEC);
}

/* ── when nothing is left of it ── */

static void drop_streams(struct worker *worker) {
  drop_file(&worker->in);
  relay_drop(&worker->out);
  relay_drop(&worker->err);
}

static void forget_if_over(struct worker *worker) {
  bool over = worker->phase == FAILED || (worker->phase == ENDED && worker->released && worker->empty);
  if (!over) return;
  if (worker->news != 0) {
    some_over = true;
    return;
  }
  if (worker->group.open && drop_group(worker) != 0) return look_again();
  drop_streams(worker);
  worker_forget(worker);
}

void life_forget(bool looked) {
  if (!looked && !some_over) return;
  some_over = false;
  for (struct worker *worker = workers, *next; worker != NULL; worker = next) {
    next = worker->next;
    forget_if_over(worker);
  }
}

/* ── its beginning ── */

void life_fail(struct worker *worker, enum stage stage, int error) {
  some_over = true;
  worker->phase = FAILED;
  worker->stage = (uint8_t)stage;
  worker->status = error;
  drop_streams(worker);
  if (worker->group.open) (void)drop_group(worker);
  news_add(worker, NEWS_FAILED);
}

/* The worker's end. */
static int open_stdin(struct worker *worker) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return -1;
  worker->in = ends[1];
  return ends[0];
}

/* What becomes its stdin, stdout and stderr: 3 to 5 are our own. False when there are no pipes. */
static bool open_streams(struct worker *worker, const struct request *request, int streams[3]) {
  const enum stream modes[3] = {request->in, request->out, request->err};
  for (int i = 0; i < 3; i++) {
    if (modes[i] != STREAM_PIPE) streams[i] = modes[i] == STREAM_INHERIT ? 3 + i : null_device;
    else streams[i] = i == 0 ? open_stdin(worker) : relay_open(i == 1 ? &worker->out : &worker->err);
    if (streams[i] < 0) return false;
  }
  return true;
}

/* A pipe is the worker's alone. */
static void close_streams(const struct request *request, int streams[3]) {
  if (request->in == STREAM_PIPE) drop_file(&streams[0]);
  if (request->out == STREAM_PIPE) drop_file(&streams[1]);
  if (request->err == STREAM_PIPE) drop_file(&streams[2]);
}

static void run(struct worker *worker, struct spawn *spawn) {
  spawn->slot = worker->slot;
  spawn->group = worker->group.open ? &worker->group : NULL;
  pid_t pid = spawn_process(spawn);
  if (pid < 0) return life_fail(worker, spawn->stage, spawn->error);
  worker_born(worker, pid);
  news_add(worker, NEWS_STARTED);
  watch_group(worker);
  look_watch(worker);
}

static void start_with(struct worker *worker, struct spawn *spawn) {
  int fault = cgroup_needed(&worker->limits) ? cgroup_open(&worker->group, ++last_group, &worker->limits) : 0;
  if (fault != 0) life_fail(worker, STAGE_CGROUP, fault);
  else run(worker, spawn);
}

static void start(struct worker *worker, const struct request *request) {
  struct spawn spawn = {.request = request, .streams = {-1, -1, -1}};
  worker->limits = request->limits;
  worker_mark(worker);
  if (open_streams(worker, request, spawn.streams)) start_with(worker, &spawn);
  else life_fail(worker, STAGE_PIPE, errno);
  close_streams(request, spawn.streams);
}

void life_start(struct worker *worker, char *body, size_t length) {
  struct request request;
  int fault = request_parse(body, length, &request);
  reserve_for_worker(true);
  if (fault != 0) life_fail(worker, STAGE_REQUEST, fault);
  else start(worker, &request);
  reserve_for_worker(false);
  request_free(&request);
}

/* ── its end ── */

/* The kernel's word counts, also when the worker itself has lived on; ours only when it died of it. */
static void judge_limits(struct worker *worker, bool killed) {
  uint64_t observed = 0;
  enum limit broken = worker->group.open ? cgroup_broken(&worker->group, &observed) : LIMIT_NONE;
  if (broken == LIMIT_PROCESSES && worker->status == 0) broken = LIMIT_NONE;
  if (broken != LIMIT_NONE) {
    worker->broken = broken;
    worker->enforcer = worker_enforcer(worker, broken);
    worker->observed = observed;
  } else if (!killed) {
    worker->broken = LIMIT_NONE;
  }
}

static void judge(struct worker *worker) {
  bool killed = WIFSIGNALED(worker->status) && WTERMSIG(worker->status) == SIGKILL;
  judge_limits(worker, killed);
  if (!killed || worker->was_killed || worker->broken != LIMIT_NONE) return;
  uint64_t kills = count_oom_kills();
  worker->system_oom = kills != UNKNOWN && kills > oom_kills;
  oom_kills = kills;
}

static void on_exit_of(struct worker *worker, int status) {
  worker_reaped(worker);
  worker->status = status;
  worker->next_look = UINT64_MAX;
  judge(worker);
  /* Its last words go first, and most often their end: then the master has nothing to wait for. */
  for (int i = 0; i < 2; i++) {
    relay_pass(worker, &worker->out);
    relay_pass(worker, &worker->err);
  }
  news_add(worker, NEWS_EXITED);
}

static uint64_t cpu_time_of(const struct rusage *use) {
  return (uint64_t)(use->ru_utime.tv_sec + use->ru_stime.tv_sec) * 1000000 +
         (uint64_t)(use->ru_utime.tv_usec + use->ru_stime.tv_usec);
}

static void count_dead(struct worker *tree, const struct rusage *use) {
  tree->reaped += cpu_time_of(use);
  uint64_t peak = (uint64_t)use->ru_maxrss * 1024;
  if (peak > tree->peak) tree->peak = peak;
  if (tree->killing) look_again();
}

/* Its rusage belongs to the tree whose mark it has, also when its parents are long dead. */
static void reap_one(pid_t pid) {
  struct rusage use;
  int status;
  struct worker *worker = worker_by_pid(pid);
  struct worker *tree = worker != NULL ? worker : worker_by_slot(mark_of(pid));
  if (wait4(pid, &status, 0, &use) != pid) return;
  if (tree != NULL) count_dead(tree, &use);
  if (worker != NULL) on_exit_of(worker, status);
}

/* Some at a time: whoever makes orphans as fast as they can be reaped must not have us for itself. */
void life_reap(void) {
  for (int i = 0; i < REAPED_AT_ONCE; i++) {
    siginfo_t ended = {0};
    if (waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) != 0 || ended.si_pid == 0) return;
    reap_one(ended.si_pid);
  }
  kill(getpid(), SIGCHLD); /* The others come next. */
}

// calls key=value...: what the kernel charges for calls, in plain C with an epoll loop. Prints one JSON object.
//   worker=<answer> workers=2 inFlight=100 bytes=0 (0: two doubles, for their sum) ms=1000 sockets=1 (0: two pipes)
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { HEAD = 8, IN_ROOM = 1 << 21, SAMPLES = 1 << 23, WORKERS = 16 };
typedef struct {
  pid_t pid;
  int in, out;
  char *sending, *reading;
  size_t from, to, held;
  int isWaiting;
} Worker;

static int argn;
static char **args;
extern char **environ;
static Worker workers[WORKERS];
static int workerCount, poll;
static size_t room;
static uint32_t length;
static char *payload;
static double *sent, *took;
static size_t samples;

static const char *text(const char *key) {
  size_t n = strlen(key);
  for (int i = 1; i < argn; i++)
    if (!strncmp(args[i], key, n) && args[i][n] == '=') return args[i] + n + 1;
  fprintf(stderr, "calls: no %s=\n", key), exit(2);
}
static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}
static double cpu(void) {
  struct rusage r;
  getrusage(RUSAGE_SELF, &r);
  return r.ru_utime.tv_sec + r.ru_stime.tv_sec + (r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}
static void check(int ok, const char *what) {
  if (!ok) perror(what), exit(1);
}
static int ascending(const void *a, const void *b) { return *(double *)a < *(double *)b ? -1 : *(double *)a > *(double *)b; }

static void start(Worker *w, int i, int sockets) {
  int in[2], out[2];
  if (sockets) {
    check(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in), "socketpair");
    out[0] = in[1], out[1] = in[0];
  } else {
    check(!pipe2(in, O_CLOEXEC) && !pipe2(out, O_CLOEXEC), "pipe2");
  }
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, in[0], 0);
  posix_spawn_file_actions_adddup2(&files, out[1], 1);
  char *argv[] = {(char *)text("worker"), 0};
  errno = posix_spawn(&w->pid, argv[0], &files, 0, argv, environ);
  check(!errno, argv[0]);
  close(in[0]);
  if (!sockets) close(out[1]);
  w->in = in[1], w->out = out[0];
  fcntl(w->in, F_SETFL, O_NONBLOCK), fcntl(w->out, F_SETFL, O_NONBLOCK);
  w->sending = malloc(room), w->reading = malloc(IN_ROOM);
  // One descriptor for both ways is watched twice, by a copy of it.
  if (sockets) w->in = fcntl(w->in, F_DUPFD_CLOEXEC, 0);
  epoll_ctl(poll, EPOLL_CTL_ADD, w->out, &(struct epoll_event){.events = EPOLLIN, .data.u32 = i});
}

static void call(Worker *w, uint32_t id) {
  if (w->to + HEAD + length > room) memmove(w->sending, w->sending + w->from, w->to -= w->from), w->from = 0;
  uint32_t head[2] = {id, length};
  double pair[2] = {id, 2};
  memcpy(w->sending + w->to, head, HEAD);
  memcpy(w->sending + w->to + HEAD, length == 16 ? (char *)pair : payload, length);
  w->to += HEAD + length;
  sent[id] = seconds();
}

static void watchWrites(Worker *w, int i, int isWaiting) {
  if (w->isWaiting == isWaiting) return;
  epoll_ctl(poll, isWaiting ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, w->in, &(struct epoll_event){.events = EPOLLOUT, .data.u32 = i | 256});
  w->isWaiting = isWaiting;
}

static void flush(Worker *w, int i) {
  while (w->from < w->to) {
    ssize_t put = write(w->in, w->sending + w->from, w->to - w->from);
    if (put < 0) {
      check(errno == EAGAIN, "write");
      return watchWrites(w, i, 1);
    }
    w->from += put;
  }
  w->from = w->to = 0;
  watchWrites(w, i, 0);
}

static void hear(Worker *w) {
  ssize_t got = read(w->out, w->reading + w->held, IN_ROOM - w->held);
  if (got < 0 && errno == EAGAIN) return;
  check(got > 0, "read");
  w->held += got;
  size_t at = 0;
  for (uint32_t head[2]; w->held - at >= HEAD; at += HEAD + head[1]) {
    memcpy(head, w->reading + at, HEAD);
    if (w->held - at < HEAD + (size_t)head[1]) break;
    if (samples < SAMPLES) took[samples++] = seconds() - sent[head[0]];
    call(w, head[0]);
  }
  memmove(w->reading, w->reading + at, w->held -= at);
}

static void runUntil(double end) {
  struct epoll_event ready[WORKERS * 2];
  while (seconds() < end) {
    for (int i = 0; i < workerCount; i++) flush(&workers[i], i);
    int n = epoll_wait(poll, ready, WORKERS * 2, -1);
    for (int j = 0; j < n; j++)
      if (!(ready[j].data.u32 & 256)) hear(&workers[ready[j].data.u32]);
  }
}

int main(int n, char **v) {
  argn = n, args = v;
  long inFlight = atol(text("inFlight")), bytes = atol(text("bytes"));
  double span = atof(text("ms")) / 1e3;
  workerCount = atoi(text("workers")), poll = epoll_create1(EPOLL_CLOEXEC);
  check(workerCount <= WORKERS, "too many workers");
  length = bytes ? bytes : 16;
  room = (HEAD + length) * (inFlight + 2);
  payload = malloc(length), memset(payload, 'x', length);
  sent = calloc(inFlight, sizeof *sent), took = calloc(SAMPLES, sizeof *took);
  for (int i = 0; i < workerCount; i++) start(&workers[i], i, atoi(text("sockets")));
  for (long i = 0; i < inFlight; i++) call(&workers[i % workerCount], i);
  runUntil(seconds() + span / 2);
  samples = 0;
  double from = seconds(), spent = cpu();
  runUntil(from + span);
  double all = seconds() - from;
  spent = cpu() - spent;
  for (int i = 0; i < workerCount; i++) kill(workers[i].pid, SIGKILL), waitpid(workers[i].pid, 0, 0);
  qsort(took, samples, sizeof *took, ascending);
  printf("{\"calls_s\":%.0f,\"p50_us\":%.1f,\"p99_us\":%.1f,\"cpu_us\":%.3f}\n", samples / all, took[samples / 2] * 1e6, took[samples * 99 / 100] * 1e6, spent * 1e6 / samples);
}

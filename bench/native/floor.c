// floor <workload> key=value...: what the kernel charges for each workload, in plain C. Prints one JSON object.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 64 };
typedef struct { pid_t pid; int in, out; } Kid;
static int argn;
static char **args;
extern char **environ;

static const char *text(const char *key) {
  size_t n = strlen(key);
  for (int i = 2; i < argn; i++)
    if (!strncmp(args[i], key, n) && args[i][n] == '=') return args[i] + n + 1;
  fprintf(stderr, "floor: no %s=\n", key), exit(2);
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

// Pipes are the cheapest for small messages; a socket pair, with its larger buffer, for a stream.
static Kid start(char *const argv[], int stream) {
  int in[2], out[2];
  check(!pipe2(in, O_CLOEXEC), "pipe2");
  check(!(stream ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, out) : pipe2(out, O_CLOEXEC)), "stdout");
  posix_spawn_file_actions_t files;  // posix_spawn is a vfork here
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, in[0], 0);
  posix_spawn_file_actions_adddup2(&files, out[1], 1);
  Kid kid = {.in = in[1], .out = out[0]};
  errno = posix_spawn(&kid.pid, argv[0], &files, 0, argv, environ);
  check(!errno, argv[0]);
  posix_spawn_file_actions_destroy(&files);
  close(in[0]), close(out[1]);
  return kid;
}
static void finish(Kid kid) {
  close(kid.in), close(kid.out);
  waitpid(kid.pid, 0, 0);
}

static volatile unsigned long lines, bytes;
static __attribute__((noinline)) void onLine(const char *line, size_t length) { lines++, bytes += length + 1, (void)line; }

static void ingest(void) {
  char *argv[] = {(char *)text("gen"), (char *)text("lines"), 0};
  static char buffer[1 << 20];
  size_t held = 0;
  double from = seconds(), spent = cpu();
  Kid kid = start(argv, 1);
  for (ssize_t got; (got = read(kid.out, buffer + held, sizeof buffer - held)) > 0;) {
    char *line = buffer, *end = buffer + held + got, *newline;
    for (char *scan = buffer + held; (newline = memchr(scan, '\n', end - scan)); line = scan = newline + 1) onLine(line, newline - line);
    memmove(buffer, line, held = end - line);
  }
  double took = seconds() - from, gb = bytes / 1e9;
  spent = cpu() - spent;
  finish(kid);
  printf("{\"lines_s\":%.0f,\"mb_s\":%.1f,\"cpu_s_gb\":%.3f}\n", lines / took, gb * 1e3 / took, spent / gb);
}

static int ascending(const void *a, const void *b) { return *(double *)a < *(double *)b ? -1 : 1; }

// Sends one line to each and waits for all replies.
static void exchange(Kid *kids, long count, int poll, int *have) {
  static char line[LINE], buffer[256];
  struct epoll_event ready[256];
  memset(line, 'x', LINE - 1), line[LINE - 1] = '\n';
  for (long i = 0; i < count; i++) have[i] = 0, check(write(kids[i].in, line, LINE) == LINE, "write");
  for (long left = count; left > 0;) {
    int n = epoll_wait(poll, ready, 256, -1);
    for (int j = 0; j < n; j++) {
      int i = ready[j].data.u32;
      ssize_t got = read(kids[i].out, buffer, sizeof buffer);
      check(got > 0, "read");
      if ((have[i] += got) == LINE) left--;
    }
  }
}

static void talk(long workers, long rounds, int fanout) {
  char *argv[] = {(char *)text("echo"), 0};
  Kid *kids = calloc(workers, sizeof *kids);
  int *have = calloc(workers, sizeof *have), poll = epoll_create1(EPOLL_CLOEXEC);
  double *took = calloc(rounds, sizeof *took);
  for (long i = 0; i < workers; i++) {
    kids[i] = start(argv, 0);
    epoll_ctl(poll, EPOLL_CTL_ADD, kids[i].out, &(struct epoll_event){.events = EPOLLIN, .data.u32 = i});
  }
  for (int i = 0; i < 3; i++) exchange(kids, workers, poll, have);
  double from = seconds(), spent = cpu();
  for (long i = 0; i < rounds; i++) {
    double at = seconds();
    exchange(kids, workers, poll, have);
    took[i] = seconds() - at;
  }
  double all = seconds() - from, n = workers * rounds;
  spent = cpu() - spent;
  for (long i = 0; i < workers; i++) kill(kids[i].pid, 9), finish(kids[i]);
  qsort(took, rounds, sizeof *took, ascending);
  if (fanout) printf("{\"msgs_s\":%.0f,\"cpu_us\":%.2f}\n", n / all, spent * 1e6 / n);
  else printf("{\"p50_us\":%.2f,\"p99_us\":%.2f,\"cpu_us\":%.2f}\n", took[rounds / 2] * 1e6, took[rounds * 99 / 100] * 1e6, spent * 1e6 / n);
}

int main(int n, char **v) {
  argn = n, args = v;
  const char *workload = n > 1 ? v[1] : "";
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files), files.rlim_cur = files.rlim_max, setrlimit(RLIMIT_NOFILE, &files);
  if (!strcmp(workload, "ingest")) ingest();
  else if (!strcmp(workload, "roundtrip")) talk(1, atol(text("trips")), 0);
  else if (!strcmp(workload, "fanout")) talk(atol(text("workers")), atol(text("rounds")), 1);
  else return fprintf(stderr, "floor: no workload %s\n", workload), 2;
  return 0;
}

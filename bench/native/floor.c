// floor <workload> key=value...: what the kernel charges for each workload, in plain C. Prints one JSON object.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
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
typedef struct { pid_t pid; int in, out, err; } Kid;
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
  int in[2], out[2], err[2];
  check(!pipe2(in, O_CLOEXEC) && !pipe2(err, O_CLOEXEC), "pipe2");
  check(!(stream ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, out) : pipe2(out, O_CLOEXEC)), "stdout");
  posix_spawn_file_actions_t files;  // posix_spawn is a vfork here
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, in[0], 0);
  posix_spawn_file_actions_adddup2(&files, out[1], 1);
  posix_spawn_file_actions_adddup2(&files, err[1], 2);
  Kid kid = {.in = in[1], .out = out[0], .err = err[0]};
  errno = posix_spawn(&kid.pid, argv[0], &files, 0, argv, environ);
  check(!errno, argv[0]);
  posix_spawn_file_actions_destroy(&files);
  close(in[0]), close(out[1]), close(err[1]);
  return kid;
}
static void hangUp(Kid kid) { close(kid.in), close(kid.out), close(kid.err); }
static void finish(Kid kid) {
  hangUp(kid);
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

static void startAll(Kid *kids, long count, int poll) {
  char *argv[] = {(char *)text("echo"), 0};
  for (long i = 0; i < count; i++) {
    kids[i] = start(argv, 0);
    epoll_ctl(poll, EPOLL_CTL_ADD, kids[i].out, &(struct epoll_event){.events = EPOLLIN, .data.u32 = i});
  }
}
static void endAll(Kid *kids, long count) {
  for (long i = 0; i < count; i++) kill(kids[i].pid, SIGKILL), finish(kids[i]);
}

static void talk(long workers, long rounds, int fanout) {
  Kid *kids = calloc(workers, sizeof *kids);
  int *have = calloc(workers, sizeof *have), poll = epoll_create1(EPOLL_CLOEXEC);
  double *took = calloc(rounds, sizeof *took);
  startAll(kids, workers, poll);
  for (int i = 0; i < 3; i++) exchange(kids, workers, poll, have);
  double from = seconds(), spent = cpu();
  for (long i = 0; i < rounds; i++) {
    double at = seconds();
    exchange(kids, workers, poll, have);
    took[i] = seconds() - at;
  }
  double all = seconds() - from, n = workers * rounds;
  spent = cpu() - spent;
  endAll(kids, workers);
  qsort(took, rounds, sizeof *took, ascending);
  if (fanout) printf("{\"msgs_s\":%.0f,\"cpu_us\":%.2f}\n", n / all, spent * 1e6 / n);
  else printf("{\"p50_us\":%.2f,\"p99_us\":%.2f,\"cpu_us\":%.2f}\n", took[rounds / 2] * 1e6, took[rounds * 99 / 100] * 1e6, spent * 1e6 / n);
}

// Starts of /bin/true, so many in flight, until the time is over.
static long ended;
static double startsFor(double length, int inFlight) {
  char *argv[] = {"/bin/true", 0};
  Kid kids[256];
  double from = seconds(), until = from + length;
  ended = 0;
  for (int i = 0; i < inFlight; i++) kids[i] = start(argv, 0);
  for (int left = inFlight; left > 0; ended++) {
    pid_t pid = waitpid(-1, 0, 0);
    int i = 0;
    while (kids[i].pid != pid) i++;
    hangUp(kids[i]);
    if (seconds() < until) kids[i] = start(argv, 0);
    else kids[i].pid = 0, left--;
  }
  return ended / (seconds() - from);
}

static void starts(double length, int inFlight) {
  startsFor(length / 4, inFlight);
  double spent = cpu(), rate = startsFor(length, inFlight);
  printf("{\"starts_s\":%.1f,\"cpu_us\":%.1f}\n", rate, (cpu() - spent) * 1e6 / ended);
}

static void startsBig(double length, size_t bytes) {
  startsFor(length / 4, 1);
  double small = startsFor(length, 1);
  char *ballast = malloc(bytes);
  memset(ballast, 1, bytes);
  startsFor(length / 4, 1);
  double big = startsFor(length, 1);
  printf("{\"starts_s\":%.1f,\"small_s\":%.1f,\"kept\":%.3f}\n", big, small, big / small * ballast[bytes - 1]);
}

static void recovery(long deaths) {
  double *took = calloc(deaths, sizeof *took);
  int have, poll = epoll_create1(EPOLL_CLOEXEC);
  Kid kid;
  startAll(&kid, 1, poll), exchange(&kid, 1, poll, &have);
  for (long i = 0; i < deaths; i++) {
    double from = seconds();
    endAll(&kid, 1), startAll(&kid, 1, poll), exchange(&kid, 1, poll, &have);
    took[i] = seconds() - from;
  }
  endAll(&kid, 1);
  qsort(took, deaths, sizeof *took, ascending);
  printf("{\"p50_ms\":%.3f,\"p99_ms\":%.3f}\n", took[deaths / 2] * 1e3, took[deaths * 99 / 100] * 1e3);
}

static double kib(const char *name) {
  char row[256];
  long found = 0;
  FILE *rollup = fopen("/proc/self/smaps_rollup", "r");
  check(rollup != 0, "smaps_rollup");
  while (fgets(row, sizeof row, rollup))
    if (!strncmp(row, name, strlen(name))) found = atol(row + strlen(name));
  fclose(rollup);
  return found;
}

// It keeps a Kid of each, which is all there is to know.
static void memory(long workers) {
  Kid *kids = calloc(workers, sizeof *kids);
  int *have = calloc(workers, sizeof *have), poll = epoll_create1(EPOLL_CLOEXEC);
  double rss = kib("Rss:"), pss = kib("Pss:"), from = seconds();
  startAll(kids, workers, poll), exchange(kids, workers, poll, have);
  double took = seconds() - from;
  rss = kib("Rss:") - rss, pss = kib("Pss:") - pss;
  endAll(kids, workers);
  printf("{\"rss_kib\":%.3f,\"pss_kib\":%.3f,\"files\":3,\"start_ms\":%.3f}\n", rss / workers, pss / workers, took * 1e3 / workers);
}

int main(int n, char **v) {
  argn = n, args = v;
  const char *workload = n > 1 ? v[1] : "";
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files), files.rlim_cur = files.rlim_max, setrlimit(RLIMIT_NOFILE, &files);
  if (!strcmp(workload, "ingest")) ingest();
  else if (!strcmp(workload, "roundtrip")) talk(1, atol(text("trips")), 0);
  else if (!strcmp(workload, "fanout")) talk(atol(text("workers")), atol(text("rounds")), 1);
  else if (!strcmp(workload, "starts")) starts(atof(text("ms")) / 1e3, atoi(text("inFlight")));
  else if (!strcmp(workload, "startsBig")) startsBig(atof(text("ms")) / 1e3, atol(text("bytes")));
  else if (!strcmp(workload, "recovery")) recovery(atol(text("deaths")));
  else if (!strcmp(workload, "memory")) memory(atol(text("workers")));
  else return fprintf(stderr, "floor: no workload %s\n", workload), 2;
  return 0;
}

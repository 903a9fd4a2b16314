#define _GNU_SOURCE
#include "look.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "life.h"
#include "news.h"
#include "survey.h"
#include "tree.h"

#define NEVER UINT64_MAX
#define MILLISECOND UINT64_C(1000)
/* A root that was killed has so long to die, before it is worth while to look who has left its group. */
#define GRACE MILLISECOND
/* Looking takes at most one part in so many of a CPU. */
#define SHARE 20
#define CHECK_SHARE 3
/* A limit on memory or processes that is only watched is compared so often, if that share allows it. */
#define INTERVAL (20 * MILLISECOND)
/* A day: a wait that is no longer overflows nowhere. */
#define LONGEST_WAIT (86400 * 1000 * MILLISECOND)
/* Somebody who cannot be killed is tried so often in the end. */
#define LONGEST_PAUSE (500 * MILLISECOND)
/* After each look those who were missed are tried so often: who forks on is most often gone with the first. */
#define CHASES 20

static uint64_t watch_at = NEVER; /* the next comparison with a limit */
static uint64_t scan_at = NEVER;  /* the next look at all processes */
static bool is_killing;           /* somebody is still there: that comes before any rest */
static bool must_visit;           /* the next look is not only for those who are being killed */
static uint64_t rest_until;       /* what the last look has cost, times SHARE */
static uint64_t compare_rest_until; /* the same for reading the counters of groups */
static uint64_t check_rest_until; /* the same for a look at our children only, which is cheap and wanted soon */
static uint64_t pause_after = MILLISECOND;

static uint64_t later(uint64_t a, uint64_t b) { return a > b ? a : b; }
static uint64_t sooner(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* What looking costs is CPU time: a busy machine that makes it last must not make it rare as well. */
static uint64_t cpu_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void scan_soon(void) { scan_at = sooner(scan_at, later(now(), rest_until)); }

static bool is_sampled(const struct worker *worker) {
  const struct limits *limits = &worker->limits;
  return (limits->memory != UNLIMITED && worker_enforcer(worker, LIMIT_MEMORY) == BY_SAMPLING) ||
         (limits->processes != UNLIMITED && worker_enforcer(worker, LIMIT_PROCESSES) == BY_SAMPLING) ||
         (limits->cpu_time != UNLIMITED && worker_enforcer(worker, LIMIT_CPU_TIME) == BY_SAMPLING);
}

/* Version 1 does not say when a fork was refused, and says that memory has run out before anybody is killed for it. */
static bool must_be_asked(const struct worker *worker) {
  const struct limits *limits = &worker->limits;
  return worker->group.open && ((limits->processes != UNLIMITED && cgroup_support.processes == BY_CGROUP1) ||
                                (limits->memory != UNLIMITED && cgroup_support.memory == BY_CGROUP1));
}

/* The CPU time it has left cannot be used up before all CPUs have worked on it. */
static uint64_t next_look(const struct worker *worker) {
  uint64_t wait = NEVER;
  if (worker->limits.cpu_time != UNLIMITED) {
    uint64_t left = worker->limits.cpu_time - sooner(worker->seen, worker->limits.cpu_time);
    wait = later(left / (uint64_t)sysconf(_SC_NPROCESSORS_ONLN), MILLISECOND);
  }
  bool often = worker->limits.memory != UNLIMITED || worker->limits.processes != UNLIMITED;
  if ((often && is_sampled(worker)) || must_be_asked(worker)) wait = sooner(wait, INTERVAL);
  return wait == NEVER ? NEVER : now() + sooner(wait, LONGEST_WAIT);
}

/* Reading the counters of a group is cheap: it need not rest from the last look at all processes. */
static uint64_t next_comparison(const struct worker *worker) {
  if (worker->next_look == NEVER) return NEVER;
  return later(worker->next_look, is_sampled(worker) ? rest_until : compare_rest_until);
}

void look_watch(struct worker *worker) {
  worker->next_look = next_look(worker);
  watch_at = sooner(watch_at, next_comparison(worker));
}

/* Most of a tree is in the group of its root, and dies with it: who is left after that is found by the next look. */
void look_kill(struct worker *worker) {
  if (worker->phase == RUNNING) {
    worker->was_killed = true;
    kill(-worker->pid, SIGKILL);
  }
  if (worker->group.open) cgroup_kill(&worker->group);
  worker->killing = true;
  worker->empty = false;
  worker->next_look = NEVER;
  worker->killed_at = now();
  if (worker->phase == RUNNING) scan_at = sooner(scan_at, worker->killed_at + GRACE);
  else look_again();
}

void look_signal(struct worker *worker, int signal) {
  must_visit = true;
  if (worker->phase == RUNNING) kill(-worker->pid, signal);
  worker->signal = signal;
  scan_soon();
}

void look_measure(struct worker *worker) {
  must_visit = true;
  worker->measuring = true;
  scan_soon();
}

void look_again(void) {
  pause_after = MILLISECOND;
  scan_at = sooner(scan_at, is_killing ? now() : later(now(), check_rest_until));
}

void look_break(struct worker *worker, enum limit limit, enum enforcer by, uint64_t observed) {
  if (worker->phase != RUNNING || worker->broken != LIMIT_NONE || worker->killing) return;
  worker->broken = limit;
  worker->enforcer = by;
  worker->observed = observed;
  look_kill(worker);
}

static void compare_sampled(struct worker *worker) {
  const struct limits *limits = &worker->limits;
  if (survey_suspects(worker) && worker->proportional > limits->memory)
    look_break(worker, LIMIT_MEMORY, BY_SAMPLING, worker->proportional);
  if (worker_enforcer(worker, LIMIT_PROCESSES) == BY_SAMPLING && limits->processes != UNLIMITED &&
      worker->live.processes > limits->processes)
    look_break(worker, LIMIT_PROCESSES, BY_SAMPLING, worker->live.processes);
}

void look_at_group(struct worker *worker) {
  uint64_t observed = 0;
  enum limit broken = cgroup_broken(&worker->group, &observed);
  if (broken != LIMIT_NONE) look_break(worker, broken, worker_enforcer(worker, broken), observed);
}

static void compare(struct worker *worker) {
  if (worker->group.open) {
    struct usage usage = {worker->seen, 0, 0, 0};
    cgroup_usage(&worker->group, &usage);
    worker->seen = later(worker->seen, usage.cpu_time);
    look_at_group(worker);
  }
  compare_sampled(worker);
  if (worker->limits.cpu_time != UNLIMITED && worker->seen >= worker->limits.cpu_time)
    look_break(worker, LIMIT_CPU_TIME, worker_enforcer(worker, LIMIT_CPU_TIME), worker->seen);
  worker->next_look = worker->killing ? NEVER : next_look(worker);
}

static bool is_root(pid_t child) {
  if (worker_by_pid(child) != NULL) return true;
  is_killing = true;
  return false;
}

/*
 * Whoever loses its parent becomes our child. While all our children are roots, nothing is left of a tree whose root has
 * ended, and nobody has to look at all processes for it. That is the end of nearly every worker.
 */
static bool nobody_is_left(void) {
  if (must_visit) return false;
  scan_at = NEVER;
  for (struct worker *worker = workers; worker != NULL; worker = worker->next)
    if (worker->killing && worker->phase == RUNNING) scan_at = sooner(scan_at, worker->killed_at + GRACE);
  if (scan_at <= now()) return false;
  is_killing = false;
  if (!tree_each_child(is_root) || is_killing) {
    scan_at = now();
    return false;
  }
  for (struct worker *worker = workers; worker != NULL; worker = worker->next)
    if (worker->phase == ENDED) worker->empty = true;
  return true;
}

/* Whether a comparison that is due needs a look at all processes. */
static bool must_scan(uint64_t time) {
  if (scan_at <= time) return true;
  for (struct worker *worker = workers; worker != NULL; worker = worker->next)
    if (is_sampled(worker) && next_comparison(worker) <= time) return true;
  return false;
}

static void tell(struct worker *worker) {
  if (!worker->measuring) return;
  worker->measuring = false;
  news_add(worker, NEWS_USAGE);
}

/* Those who are still there are tried again, less and less often. */
static void after_scan(void) {
  bool left = false;
  for (struct worker *worker = workers; worker != NULL; worker = worker->next) {
    left = left || (worker->killing && !worker->empty);
    tell(worker);
  }
  is_killing = left;
  must_visit = false;
  scan_at = left ? now() + pause_after : NEVER;
  pause_after = sooner(2 * pause_after, LONGEST_PAUSE);
}

/* The end of nearly every worker: that look at our own children was enough. */
static bool settle_ended(uint64_t time) {
  uint64_t cpu = cpu_now();
  if (scan_at > time || !nobody_is_left()) return false;
  check_rest_until = now() + CHECK_SHARE * (cpu_now() - cpu);
  return true;
}

static bool look_at_all(void) {
  if (!survey()) return false;
  for (int i = 0; i < CHASES && survey_children(); i++) life_reap();
  return true;
}

static void compare_those_who_are_due(uint64_t time, bool scanned, bool blind) {
  for (struct worker *worker = workers; worker != NULL; worker = worker->next) {
    bool is_due = worker->phase == RUNNING && worker->next_look <= time;
    if (is_due && (scanned || !is_sampled(worker))) compare(worker);
    /* Who cannot look must not wait for what it would find. */
    if (blind) worker->empty = worker->phase != RUNNING;
  }
}

static void rest(bool scanned, uint64_t cost) {
  uint64_t until = now() + SHARE * cost;
  compare_rest_until = until;
  if (scanned) rest_until = until;
  if (scan_at != NEVER && !is_killing) scan_at = later(scan_at, rest_until);
  watch_at = NEVER;
  for (struct worker *worker = workers; worker != NULL; worker = worker->next)
    watch_at = sooner(watch_at, next_comparison(worker));
}

bool look_if_due(void) {
  uint64_t time = now(), cpu = cpu_now();
  if (time < watch_at && time < scan_at) return false;
  bool settled = settle_ended(time);
  if (settled && time < watch_at) return true;
  bool scanned = must_scan(now());
  bool blind = scanned && !look_at_all();
  compare_those_who_are_due(time, scanned, blind);
  if (scanned) after_scan();
  rest(scanned, cpu_now() - cpu);
  return settled || scanned;
}

int look_timeout(void) {
  uint64_t at = sooner(watch_at, scan_at), time = now();
  if (at == NEVER) return -1;
  return at <= time ? 0 : (int)((at - time + MILLISECOND - 1) / MILLISECOND);
}

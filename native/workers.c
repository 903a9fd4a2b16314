#define _GNU_SOURCE
#include <stdlib.h>

#include "mark.h"
#include "worker.h"

#define BUCKETS 4096

struct worker *workers;
static struct worker *last;
static struct worker *dead;
static struct worker *by_id[BUCKETS], *by_pid[BUCKETS], *by_slot[BUCKETS];
static uint32_t last_slot;

/* One function per table, each over its own chain. */
#define TABLE(name, type, key, chain)                                                                     \
  struct worker *worker_by_##name(type wanted) {                                                          \
    struct worker *worker = by_##name[(uint32_t)wanted % BUCKETS];                                        \
    while (worker != NULL && worker->key != wanted) worker = worker->chain;                               \
    return worker;                                                                                        \
  }                                                                                                       \
  static void add_##name(struct worker *worker) {                                                         \
    struct worker **bucket = &by_##name[(uint32_t)worker->key % BUCKETS];                                 \
    worker->chain = *bucket;                                                                              \
    *bucket = worker;                                                                                     \
  }                                                                                                       \
  static void drop_##name(struct worker *worker) {                                                        \
    struct worker **at = &by_##name[(uint32_t)worker->key % BUCKETS];                                     \
    while (*at != NULL && *at != worker) at = &(*at)->chain;                                              \
    if (*at != NULL) *at = worker->chain;                                                                 \
  }

TABLE(id, uint32_t, id, same_id)
TABLE(pid, pid_t, pid, same_pid)
TABLE(slot, uint32_t, slot, same_slot)

struct worker *worker_new(uint32_t id) {
  struct worker *worker = calloc(1, sizeof *worker);
  if (worker == NULL) return NULL;
  worker->id = id;
  worker->in = -1;
  worker->out = (struct relay){.file = -1, .which = 0, .source = {SOURCE_STDOUT, worker}};
  worker->err = (struct relay){.file = -1, .which = 1, .source = {SOURCE_STDERR, worker}};
  worker->on_group = (struct source){SOURCE_GROUP, worker};
  worker->previous = last;
  *(last == NULL ? &workers : &last->next) = worker;
  last = worker;
  add_id(worker);
  return worker;
}

/* Round and round, so that a slot rests as long as possible before it is used again. */
void worker_mark(struct worker *worker) {
  if (mark_slots() == 0) return;
  do last_slot = last_slot % mark_slots() + 1;
  while (worker_by_slot(last_slot) != NULL);
  worker->slot = last_slot;
  add_slot(worker);
}

void worker_born(struct worker *worker, pid_t pid) {
  worker->pid = pid;
  worker->phase = RUNNING;
  add_pid(worker);
}

void worker_reaped(struct worker *worker) {
  drop_pid(worker);
  worker->phase = ENDED;
}

static enum enforcer group_enforcer(enum limit limit) {
  switch (limit) {
    case LIMIT_MEMORY: return cgroup_support.memory;
    case LIMIT_PROCESSES: return cgroup_support.processes;
    case LIMIT_CPU_TIME: return cgroup_support.cpu_time;
    default: return BY_NOBODY;
  }
}

enum enforcer worker_enforcer(const struct worker *worker, enum limit limit) {
  enum enforcer by_group = worker->group.open ? group_enforcer(limit) : BY_NOBODY;
  return by_group != BY_NOBODY ? by_group : BY_SAMPLING;
}

void worker_forget(struct worker *worker) {
  drop_id(worker);
  if (worker->slot != 0) drop_slot(worker);
  if (worker->phase == RUNNING) drop_pid(worker);
  *(worker->previous == NULL ? &workers : &worker->previous->next) = worker->next;
  *(worker->next == NULL ? &last : &worker->next->previous) = worker->previous;
  worker->next = dead;
  dead = worker;
}

void worker_bury(void) {
  while (dead != NULL) {
    struct worker *next = dead->next;
    free(dead);
    dead = next;
  }
}

#define _GNU_SOURCE
#include "survey.h"

#include <signal.h>
#include <unistd.h>

#include "mark.h"
#include "tree.h"

/* Without its mark a process is known by those it descends from, as long as they live, or by its group. */
static struct worker *owner_of(const struct process *process) {
  struct worker *worker = worker_by_slot(process->slot);
  if (worker == NULL) worker = worker_by_pid(process->branch);
  if (worker == NULL) worker = worker_by_slot(mark_of(process->branch));
  return worker != NULL ? worker : worker_by_pid(process->group);
}

static void visit(const struct process *process, void *unused) {
  (void)unused;
  struct worker *worker = owner_of(process);
  if (worker == NULL) return;
  worker->empty = false;
  if (worker->killing) {
    kill(process->pid, SIGKILL);
    return;
  }
  if (worker->signal != 0 && process->group != worker->pid) kill(process->pid, worker->signal);
  worker->live.cpu_time += tree_cpu_time(process->pid) + process->waited_for;
  worker->live.memory += process->memory;
  worker->live.processes++;
}

static bool somebody_left;

static bool visit_child(pid_t child) {
  if (worker_by_pid(child) != NULL) return true;
  struct process process = {.pid = child, .branch = child, .group = getpgid(child), .slot = mark_of(child)};
  struct worker *worker = owner_of(&process);
  if (worker == NULL) return true;
  worker->empty = false;
  if (!worker->killing) return true;
  somebody_left = true;
  kill(child, SIGKILL);
  return true;
}

bool survey_children(void) {
  somebody_left = false;
  (void)tree_each_child(visit_child);
  return somebody_left;
}

/* Resident memory counts a page once for each who shares it; before somebody is killed for it, it is shared out. */
static void visit_suspects(const struct process *process, void *unused) {
  (void)unused;
  struct worker *worker = owner_of(process);
  if (worker == NULL || worker->killing || worker->live.memory <= worker->limits.memory) return;
  uint64_t memory = tree_proportional_memory(process->pid);
  worker->proportional += memory != 0 ? memory : process->memory;
}

bool survey_suspects(const struct worker *worker) {
  return worker->limits.memory != UNLIMITED && !worker->killing && worker->live.memory > worker->limits.memory &&
         worker_enforcer(worker, LIMIT_MEMORY) == BY_SAMPLING;
}

static void expect_nobody(struct worker *worker) {
  worker->live = (struct usage){0, 0, 0, 0};
  worker->proportional = 0;
  worker->empty = worker->phase != RUNNING;
}

static void keep_most(uint64_t *most, uint64_t value) {
  if (value > *most) *most = value;
}

static void note_findings(struct worker *worker) {
  if (tree_was_starved()) worker->empty = false;
  worker->signal = 0;
  keep_most(&worker->seen, worker->live.cpu_time + worker->reaped);
  keep_most(&worker->peak, worker->live.memory);
}

bool survey(void) {
  bool suspects = false;
  for (struct worker *worker = workers; worker != NULL; worker = worker->next) expect_nobody(worker);
  if (!tree_visit(visit, NULL)) return false;
  for (struct worker *worker = workers; worker != NULL; worker = worker->next) {
    note_findings(worker);
    suspects = suspects || survey_suspects(worker);
  }
  if (suspects) tree_visit(visit_suspects, NULL);
  return true;
}

#define _GNU_SOURCE
#include "loop.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "commands.h"
#include "life.h"
#include "look.h"
#include "news.h"
#include "relay.h"
#include "tree.h"
#include "watch.h"

static int signals;
static pid_t guardian;
static bool outputs_paused;

static struct source on_control = {SOURCE_CONTROL, NULL}, on_signals = {SOURCE_SIGNALS, NULL},
                     on_outputs = {SOURCE_OUTPUTS, NULL}, on_news = {SOURCE_NEWS, NULL};

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

static void on_signal(void) {
  struct signalfd_siginfo signal;
  while (read(signals, &signal, sizeof signal) == sizeof signal)
    if (signal.ssi_signo == GUARDIAN_DIED && getppid() != guardian) finish();
  life_reap();
}

/* All that fits at once goes in one write. */
static void pass_outputs(void) {
  struct epoll_event events[64];
  int count = epoll_wait(output_poller, events, 64, 0);
  for (int i = 0; i < count; i++) {
    struct source *source = events[i].data.ptr;
    if (!news_have_room()) news_flush();
    relay_pass(source->worker, source->kind == SOURCE_STDOUT ? &source->worker->out : &source->worker->err);
  }
}

/* While the master does not read, nobody is read. */
static void pause_or_resume(void) {
  bool waiting = news_waiting();
  if (waiting == outputs_paused) return;
  outputs_paused = waiting;
  (void)epoll_ctl(poller, waiting ? EPOLL_CTL_DEL : EPOLL_CTL_ADD, output_poller,
                  &(struct epoll_event){.events = EPOLLIN, .data = {.ptr = &on_outputs}});
  (void)epoll_ctl(poller, waiting ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, 1,
                  &(struct epoll_event){.events = EPOLLOUT, .data = {.ptr = &on_news}});
}

static void handle(const struct source *source) {
  switch (source->kind) {
    case SOURCE_SIGNALS: return on_signal();
    case SOURCE_CONTROL: return commands_read(0) ? (void)0 : finish();
    case SOURCE_NEWS: return news_flush();
    case SOURCE_GROUP: return source->worker->group.open ? look_at_group(source->worker) : (void)0;
    case SOURCE_OUTPUTS:
    case SOURCE_STDOUT:
    case SOURCE_STDERR: return pass_outputs();
  }
}

bool loop_prepare(int own_signals) {
  signals = own_signals;
  return watch_add(poller, signals, EPOLLIN, &on_signals) && watch_add(poller, 0, EPOLLIN, &on_control) &&
         watch_add(poller, output_poller, EPOLLIN, &on_outputs);
}

void loop(pid_t own_guardian) {
  struct epoll_event events[64];
  guardian = own_guardian;
  for (;;) {
    int count = epoll_wait(poller, events, 64, commands_waiting() ? 0 : look_timeout());
    for (int i = 0; i < count; i++) handle(events[i].data.ptr);
    commands_obey();
    news_flush(); /* Nobody who has started waits for a look at those who have ended. */
    bool looked = look_if_due();
    news_flush();
    life_forget(looked);
    worker_bury();
    pause_or_resume();
  }
}

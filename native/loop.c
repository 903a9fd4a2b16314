#define _GNU_SOURCE
#include "loop.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "commands.h"
#include "connections.h"
#include "life.h"
#include "look.h"
#include "news.h"
#include "tree.h"
#include "watch.h"

static int signals;
static pid_t guardian;
static bool stderr_paused;

static struct source on_listener = {SOURCE_LISTENER, NULL}, on_control = {SOURCE_CONTROL, NULL},
                     on_signals = {SOURCE_SIGNALS, NULL}, on_stderrs = {SOURCE_STDERR, NULL},
                     on_output = {SOURCE_OUTPUT, NULL};

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

static void pass_stderrs(void) {
  struct epoll_event events[64];
  news_flush();
  int count = epoll_wait(stderr_poller, events, 64, 0);
  for (int i = 0; i < count && !news_waiting(); i++) {
    struct source *source = events[i].data.ptr;
    life_pass_stderr(source->worker);
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

static void handle(const struct source *source) {
  struct worker *worker = source->worker;
  switch (source->kind) {
    case SOURCE_SIGNALS: return on_signal();
    case SOURCE_CONTROL: return commands_obey(0) ? (void)0 : finish();
    case SOURCE_LISTENER: return connections_accept();
    case SOURCE_STDERR: return pass_stderrs();
    case SOURCE_OUTPUT: return news_flush();
    case SOURCE_CONNECTION: return connections_read(worker);
    case SOURCE_GROUP: return worker->group.open ? look_at_group(worker) : (void)0;
  }
}

bool loop_prepare(int own_signals, int listener) {
  signals = own_signals;
  return watch_add(poller, signals, EPOLLIN, &on_signals) && watch_add(poller, 0, EPOLLIN, &on_control) &&
         watch_add(poller, listener, EPOLLIN, &on_listener) && watch_add(poller, stderr_poller, EPOLLIN, &on_stderrs);
}

void loop(pid_t own_guardian) {
  struct epoll_event events[64];
  guardian = own_guardian;
  for (;;) {
    int count = epoll_wait(poller, events, 64, look_timeout());
    for (int i = 0; i < count; i++) handle(events[i].data.ptr);
    news_flush(); /* Nobody who has started waits for a look at those who have ended. */
    bool looked = look_if_due();
    news_flush();
    life_forget(looked);
    worker_bury();
    pause_or_resume();
  }
}

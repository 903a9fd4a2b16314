#define _GNU_SOURCE
#include "watch.h"

#include <sys/epoll.h>
#include <unistd.h>

int poller = -1, stderr_poller = -1;

void watch_init(void) {
  poller = epoll_create1(EPOLL_CLOEXEC);
  stderr_poller = epoll_create1(EPOLL_CLOEXEC);
}

bool watch_add(int in, int file, uint32_t events, struct source *source) {
  struct epoll_event event = {.events = events, .data = {.ptr = source}};
  return epoll_ctl(in, EPOLL_CTL_ADD, file, &event) == 0;
}

void watch_group(struct worker *worker) {
  if (!worker->group.open) return;
  for (int i = 0; i < 2; i++) {
    const struct cgroup_watch *at = &worker->group.watches[i];
    if (at->fd >= 0) (void)watch_add(poller, at->fd, at->events, &worker->on_group);
  }
}

void watch_stderr(struct worker *worker, bool wanted) {
  struct epoll_event event = {.events = wanted ? EPOLLIN : 0, .data = {.ptr = &worker->on_err}};
  if (worker->err >= 0) (void)epoll_ctl(stderr_poller, EPOLL_CTL_MOD, worker->err, &event);
}

/*
 * Closing alone does not end a watch while somebody else has the file open: the worker has the connection, and a child
 * has everything for a moment after we go on, because its exec lets us go before it closes what it must not inherit.
 */
static void end_watch(int in, int file) {
  if (file >= 0) (void)epoll_ctl(in, EPOLL_CTL_DEL, file, NULL);
}

void drop_file(int *file) {
  if (*file >= 0) close(*file);
  *file = -1;
}

void drop_connection(struct worker *worker) {
  if (worker->watched) end_watch(poller, worker->connection);
  worker->watched = false;
  drop_file(&worker->connection);
}

void drop_stderr(struct worker *worker) {
  end_watch(stderr_poller, worker->err);
  drop_file(&worker->err);
}

int drop_group(struct worker *worker) {
  for (int i = 0; i < 2; i++) end_watch(poller, worker->group.watches[i].fd);
  return cgroup_close(&worker->group);
}

#define _GNU_SOURCE
#include "watch.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

int poller = -1, output_poller = -1;

void watch_init(void) {
  poller = epoll_create1(EPOLL_CLOEXEC);
  output_poller = epoll_create1(EPOLL_CLOEXEC);
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

/*
 * Closing alone does not end a watch while somebody else has the file open: a child has everything for a moment after we go
 * on, because its exec lets us go before it closes what it must not inherit.
 */
void watch_end(int in, int file) {
  if (file >= 0) (void)epoll_ctl(in, EPOLL_CTL_DEL, file, NULL);
}

/*
 * Only for pipes that carry a lot: those of one user may hold so much together, and beyond that all new ones are narrow. The
 * kernel says what is possible.
 */
void watch_widen(int file, int most) {
  for (int size = most; file >= 0 && size > 65536; size /= 2)
    if (fcntl(file, F_SETPIPE_SZ, size) >= 0) return;
}

void drop_file(int *file) {
  if (*file >= 0) close(*file);
  *file = -1;
}

int drop_group(struct worker *worker) {
  for (int i = 0; i < 2; i++) watch_end(poller, worker->group.watches[i].fd);
  return cgroup_close(&worker->group);
}

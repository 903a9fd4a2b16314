#define _GNU_SOURCE
#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "news.h"

void input_look(struct worker *worker) {
  if (worker->in < 0 || ioctl(worker->in, FIONREAD, &worker->unread) != 0) worker->unread = -EPIPE;
  news_add(worker, NEWS_STDIN);
}

/* Whoever writes to his own stdin, or has made it narrower, must not make us wait. */
static int pass(const struct worker *worker, const char *bytes, size_t length) {
  if (fcntl(worker->in, F_SETFL, O_NONBLOCK) != 0) return errno;
  ssize_t written = write(worker->in, bytes, length);
  if (written == (ssize_t)length) return 0;
  return written < 0 ? errno : EAGAIN;
}

void input_pass(struct worker *worker, const char *bytes, size_t length) {
  input_look(worker);
  int fault = worker->unread < 0 ? 0 : pass(worker, bytes, length);
  if (fault != 0) worker->unread = -fault;
}

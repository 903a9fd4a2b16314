#define _GNU_SOURCE
#include "commands.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "look.h"
#include "news.h"
#include "watch.h"

enum command { COMMAND_SIGNAL = 1, COMMAND_RELEASE = 2, COMMAND_MEASURE = 3, COMMAND_READ_STDERR = 4,
               COMMAND_CLOSE_STDIN = 5, COMMAND_WIDEN_STDIN = 6 };

#define COMMAND_LENGTH 12

static void send_signal(struct worker *worker, uint32_t signal) {
  if (signal == SIGKILL) look_kill(worker);
  else if (signal > 0 && signal < 65) look_signal(worker, (int)signal);
}

static void release(struct worker *worker) {
  worker->released = true;
  news_drop(worker);
  drop_file(&worker->in);
  drop_stderr(worker);
  look_kill(worker);
}

/*
 * Only for those who are sent a lot: the pipes of a user may hold so much together, and beyond that all new ones are narrow. The
 * kernel says what is possible.
 */
#define WIDE (1 << 20)

static void widen_stdin(struct worker *worker) {
  for (int size = WIDE; worker->in >= 0 && size > 65536; size /= 2)
    if (fcntl(worker->in, F_SETPIPE_SZ, size) >= 0) return;
}

static void obey(const unsigned char *frame) {
  struct worker *worker = worker_by_id(number_at(frame + 4));
  uint32_t argument = number_at(frame + 8);
  if (worker == NULL || worker->phase == ASKING || worker->phase == FAILED) return;
  switch (number_at(frame)) {
    case COMMAND_SIGNAL: return send_signal(worker, argument);
    case COMMAND_RELEASE: return release(worker);
    case COMMAND_MEASURE: return look_measure(worker);
    /* Not, when the master has nowhere to put it for now: the worker waits. */
    case COMMAND_READ_STDERR: return watch_stderr(worker, argument != 0);
    /* Only at its word: the number of a descriptor means something else once that is closed. */
    case COMMAND_CLOSE_STDIN: return drop_file(&worker->in);
    case COMMAND_WIDEN_STDIN: return widen_stdin(worker);
  }
}

bool commands_obey(int input) {
  static unsigned char buffer[COMMAND_LENGTH * 256];
  static size_t have;
  ssize_t length = read(input, buffer + have, sizeof buffer - have);
  if (length < 0 && (errno == EAGAIN || errno == EINTR)) return true;
  if (length <= 0) return false;
  have += (size_t)length;
  size_t at = 0;
  for (; have - at >= COMMAND_LENGTH; at += COMMAND_LENGTH) obey(buffer + at);
  have -= at;
  memmove(buffer, buffer + at, have);
  return true;
}

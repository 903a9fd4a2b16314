#define _GNU_SOURCE
#include "relay.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "news.h"
#include "watch.h"

/* So much is passed on before the master is asked: all that it may have to keep for a reader who is slow. */
#define MOST_BYTES 65536
#define MOST_CHUNKS 8

static bool is_full(const struct relay *relay) { return relay->bytes >= MOST_BYTES || relay->chunks >= MOST_CHUNKS; }

/* Our end must not block; the worker's end is like any other pipe. */
int relay_open(struct relay *relay) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return -1;
  if (fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0 || !watch_add(output_poller, ends[0], EPOLLIN, &relay->source)) {
    int error = errno;
    close(ends[0]);
    close(ends[1]);
    errno = error;
    return -1;
  }
  relay->file = ends[0];
  return ends[1];
}

static void end(struct relay *relay) {
  relay_drop(relay);
  news_add(relay->source.worker, NEWS_STDOUT_END << relay->which);
}

/* Also a pipe at its end would wake us, as long as it is watched. */
static void pause_if_full(struct worker *worker, struct relay *relay) {
  if (!is_full(relay)) return;
  watch_end(output_poller, relay->file);
  news_add(worker, NEWS_STDOUT_FULL << relay->which);
}

void relay_pass(struct worker *worker, struct relay *relay) {
  if (relay->file < 0 || is_full(relay)) return;
  ssize_t length = news_pass(worker, relay->file, FRAME_STDOUT + relay->which);
  if (length < 0) return;
  if (length == 0) return end(relay);
  relay->bytes += (uint32_t)length;
  relay->chunks++;
  pause_if_full(worker, relay);
}

void relay_more(struct relay *relay) {
  if (relay->file < 0 || !is_full(relay)) return;
  relay->bytes = relay->chunks = 0;
  if (!watch_add(output_poller, relay->file, EPOLLIN, &relay->source)) end(relay);
}

void relay_drop(struct relay *relay) {
  if (!is_full(relay)) watch_end(output_poller, relay->file);
  drop_file(&relay->file);
}

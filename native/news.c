#define _GNU_SOURCE
#include "news.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define HEADER 12
#define LARGEST 64 /* of all frames but the texts */
#define CHUNK 16384

static unsigned char buffer[8 * CHUNK];
static size_t begin, end;
static int output = -1;
static struct worker *first, *last;

void news_init(int file) { output = file; }

static void put(size_t *at, uint64_t value, size_t bytes) {
  for (size_t i = 0; i < bytes; i++) buffer[(*at)++] = (unsigned char)(value >> (8 * i));
}

static void put_header(size_t length, unsigned type, uint32_t id) {
  put(&end, length, 4);
  put(&end, type, 4);
  put(&end, id, 4);
}

static void put_usage(const struct usage *usage) {
  put(&end, usage->cpu_time, 8);
  put(&end, usage->memory, 8);
  put(&end, usage->memory_peak, 8);
  put(&end, usage->processes, 8);
}

static bool has_room(size_t bytes) {
  if (begin == end) begin = end = 0;
  return sizeof buffer - end >= bytes;
}

/* What is known now: from its group where there is one, else from the last look and from its dead. */
static struct usage usage_of(struct worker *worker) {
  struct usage usage = {worker->seen > worker->reaped ? worker->seen : worker->reaped, worker->live.memory,
                        worker->peak, worker->live.processes};
  if (worker->group.open) cgroup_usage(&worker->group, &usage);
  if (usage.memory_peak < usage.memory) usage.memory_peak = usage.memory;
  return usage;
}

static void put_started(const struct worker *worker) {
  put_header(8, FRAME_STARTED, worker->id);
  put(&end, (uint64_t)worker->pid, 4);
  put(&end, (uint64_t)worker->in, 4);
}

static void put_failed(const struct worker *worker) {
  put_header(8, FRAME_FAILED, worker->id);
  put(&end, worker->stage, 4);
  put(&end, (uint64_t)worker->status, 4);
}

static void put_exited(struct worker *worker) {
  struct usage usage = usage_of(worker);
  put_header(48, FRAME_EXITED, worker->id);
  put(&end, (uint64_t)worker->status, 4);
  put(&end, worker->broken, 1);
  put(&end, worker->enforcer, 1);
  put(&end, worker->system_oom, 1);
  put(&end, 0, 1);
  put(&end, worker->observed, 8);
  put_usage(&usage);
}

static void put_usage_frame(struct worker *worker) {
  struct usage usage = usage_of(worker);
  put_header(32, FRAME_USAGE, worker->id);
  put_usage(&usage);
}

/* That it has ended, or that it is full, and where the master can open it. */
static void put_stream(const struct worker *worker, const struct relay *relay) {
  if (worker->news & (unsigned)NEWS_STDOUT_END << relay->which) put_header(0, FRAME_STDOUT_END + relay->which, worker->id);
  if (!(worker->news & (unsigned)NEWS_STDOUT_FULL << relay->which)) return;
  put_header(4, FRAME_STDOUT_FULL + relay->which, worker->id);
  put(&end, (uint64_t)relay->file, 4);
}

static void put_stdin(const struct worker *worker) {
  put_header(8, FRAME_STDIN, worker->id);
  put(&end, worker->input_look, 4);
  put(&end, (uint64_t)worker->unread, 4);
}

static void put_news(struct worker *worker) {
  if (worker->news & NEWS_STARTED) put_started(worker);
  if (worker->news & NEWS_FAILED) put_failed(worker);
  if (worker->news & NEWS_USAGE) put_usage_frame(worker);
  if (worker->news & NEWS_EXITED) put_exited(worker);
  if (worker->news & NEWS_STDIN) put_stdin(worker);
  put_stream(worker, &worker->out);
  put_stream(worker, &worker->err);
  worker->news = 0;
}

void news_hello(const char *text) {
  size_t length = strlen(text);
  put_header(length, FRAME_HELLO, 0);
  memcpy(buffer + end, text, length);
  end += length;
}

void news_add(struct worker *worker, enum news news) {
  if (worker->news == 0) {
    worker->next_news = NULL;
    *(first == NULL ? &first : &last->next_news) = worker;
    last = worker;
  }
  worker->news |= (unsigned)news;
}

void news_drop(struct worker *worker) {
  if (worker->news == 0) return;
  struct worker *before = NULL;
  for (struct worker *at = first; at != worker; at = at->next_news) before = at;
  *(before == NULL ? &first : &before->next_news) = worker->next_news;
  if (last == worker) last = before;
  worker->news = 0;
}

/* All frames of one worker together fit, or wait. */
static void fill(void) {
  while (first != NULL && has_room(5 * LARGEST)) {
    struct worker *worker = first;
    first = worker->next_news;
    put_news(worker);
  }
}

void news_flush(void) {
  for (;;) {
    fill();
    if (begin == end) return;
    ssize_t written = write(output, buffer + begin, end - begin);
    if (written < 0) {
      /* The master has gone: the end of its commands says so too. */
      if (errno == EPIPE) begin = end;
      return;
    }
    begin += (size_t)written;
  }
}

bool news_waiting(void) { return begin != end || first != NULL; }

bool news_have_room(void) { return has_room(HEADER + CHUNK); }

ssize_t news_pass(struct worker *worker, int file, unsigned frame) {
  fill(); /* That it has started comes before what it said. */
  if (worker->news != 0 || !news_have_room()) return -1;
  ssize_t length = read(file, buffer + end + HEADER, CHUNK);
  if (length < 0 && (errno == EAGAIN || errno == EINTR)) return -1;
  if (length <= 0) return 0;
  put_header((size_t)length, frame, worker->id);
  end += (size_t)length;
  return length;
}

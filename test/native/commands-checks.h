/* The reader of commands without the rest of the fork server: what it would do is noted. For commands-test.c and fuzz-commands.c. */
#define _GNU_SOURCE
#ifndef COMMANDS_CHECKS_H
#define COMMANDS_CHECKS_H

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../../native/commands.h"
#include "../../native/input.h"
#include "../../native/life.h"
#include "../../native/look.h"
#include "../../native/news.h"
#include "../../native/relay.h"
#include "../../native/watch.h"
#include "request-checks.h"

/* What came of all commands so far: how many starts, refusals and others, and a sum over everything that was handed on. */
struct heard {
  unsigned long starts, refused, others;
  uint64_t sum;
};
static struct heard heard;

static inline void note(uint64_t value) { heard.sum = (heard.sum ^ value) * UINT64_C(1099511628211) + 1; }

#define KNOWN 64
static struct worker known[KNOWN];
static bool taken[KNOWN];

struct worker *worker_by_id(uint32_t id) { return id < KNOWN && taken[id] ? &known[id] : NULL; }

/* Whoever is beyond what is known is for a moment only. */
struct worker *worker_new(uint32_t id) {
  static struct worker passing;
  struct worker *worker = id < KNOWN ? &known[id] : &passing;
  if (id < KNOWN) taken[id] = true;
  *worker = (struct worker){.id = id, .in = -1};
  worker->out.file = worker->err.file = -1;
  return worker;
}

void life_start(struct worker *worker, char *body, size_t length) {
  struct request request;
  heard.starts++;
  note(worker->id);
  note(length);
  for (size_t i = 0; i < length; i++) note((unsigned char)body[i]);
  worker->phase = request_parse(body, length, &request) == 0 ? RUNNING : FAILED;
  request_free(&request);
}

void life_fail(struct worker *worker, enum stage stage, int error) {
  check(stage == STAGE_REQUEST && (error == E2BIG || error == ENOMEM));
  heard.refused++;
  worker->phase = FAILED;
  note((uint64_t)error);
}

static inline void other(const struct worker *worker, int what) {
  check(worker->phase != FAILED);
  heard.others++;
  note(worker->id * UINT64_C(1000) + (uint64_t)what);
}
static inline void stream(const struct relay *relay, int what) {
  heard.others++;
  note(relay->which * UINT64_C(1000) + (uint64_t)what);
}
void look_kill(struct worker *worker) { other(worker, 1); }
void look_signal(struct worker *worker, int signal) { other(worker, 100 + signal); }
void look_measure(struct worker *worker) { other(worker, 3); }
void relay_more(struct relay *relay) { stream(relay, 4); }
void relay_drop(struct relay *relay) { note(relay->which); }
void news_drop(struct worker *worker) { note(worker->id); }
void input_pass(struct worker *worker, const char *bytes, size_t length) {
  other(worker, 5);
  note(length);
  for (size_t i = 0; i < length; i++) note((unsigned char)bytes[i]);
}
void input_look(struct worker *worker) { other(worker, 6); }
void drop_file(int *file) { check(*file == -1); }
void watch_widen(int file, int most) { check(file == -1 && most > 65536); }

/* Hands the bytes over in pieces, as a pipe might; `piece` says how long the next one is. */
static inline void feed(const uint8_t *bytes, size_t length, size_t (*piece)(void)) {
  int ends[2];
  check(pipe2(ends, O_NONBLOCK) == 0);
  for (size_t at = 0; at < length;) {
    size_t next = piece();
    if (next > length - at) next = length - at;
    ssize_t written = write(ends[1], bytes + at, next);
    if (written > 0) at += (size_t)written;
    check(commands_read(ends[0]));
    commands_obey();
  }
  for (int left = 1; left > 0 || commands_waiting(); check(ioctl(ends[0], FIONREAD, &left) == 0)) {
    check(commands_read(ends[0]));
    commands_obey();
  }
  close(ends[1]);
  check(!commands_read(ends[0]));
  close(ends[0]);
}

#endif

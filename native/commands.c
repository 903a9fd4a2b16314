#define _GNU_SOURCE
#include "commands.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "input.h"
#include "life.h"
#include "look.h"
#include "news.h"
#include "relay.h"
#include "watch.h"

enum command { COMMAND_SIGNAL = 1, COMMAND_RELEASE, COMMAND_MEASURE, COMMAND_CLOSE_STDIN, COMMAND_WIDEN_STDIN,
               COMMAND_STDOUT, COMMAND_STDERR, COMMAND_START, COMMAND_SAY, COMMAND_LOOK };
/* What the master wants of a stream that has been silenced. */
enum wish { WISH_MORE, WISH_HAND_OVER, WISH_HAND_OVER_WIDE };

#define COMMAND_LENGTH 12
/* So many commands and words are obeyed before everybody else has a turn; a start is as much as all of them. */
#define TURN 64

static unsigned char buffer[65536];
static size_t begin, end;

static unsigned char command[COMMAND_LENGTH];
static char words[INPUT_MOST];
/* What is being put together: a command, a request that goes `into` memory of its own, words for a worker, or what goes nowhere. */
static struct {
  char *into;
  size_t have, want;
  struct worker *worker; /* whose request it is */
  uint32_t listener;     /* whom the words are for */
  enum { A_COMMAND, A_REQUEST, WORDS } what;
} incoming = {.into = (char *)command, .want = COMMAND_LENGTH};

static void expect(int what, void *into, size_t length) {
  incoming.what = what;
  incoming.into = into;
  incoming.have = 0;
  incoming.want = length;
}

static void expect_command(void) { expect(A_COMMAND, command, COMMAND_LENGTH); }

/* ── a start ── */

/* A number that is taken already stays with who has it. */
static struct worker *announced(uint32_t id, uint32_t length) {
  struct worker *worker = worker_by_id(id) == NULL ? worker_new(id) : NULL;
  if (worker == NULL) return NULL;
  incoming.into = length <= REQUEST_LARGEST ? malloc(length + 1) : NULL;
  if (incoming.into == NULL) life_fail(worker, STAGE_REQUEST, length <= REQUEST_LARGEST ? ENOMEM : E2BIG);
  return incoming.into == NULL ? NULL : worker;
}

static void expect_request(uint32_t id, uint32_t length) {
  expect(A_REQUEST, NULL, length);
  incoming.worker = announced(id, length);
}

static void start(void) {
  if (incoming.worker != NULL) life_start(incoming.worker, incoming.into, incoming.want);
  free(incoming.into);
  expect_command();
}

/* ── what is said to a worker ── */

static bool hears(const struct worker *worker) { return worker != NULL && worker->phase != FAILED; }

static void expect_words(uint32_t id, uint32_t length) {
  expect(WORDS, length <= sizeof words ? words : NULL, length);
  incoming.listener = id;
}

static void say(void) {
  struct worker *worker = worker_by_id(incoming.listener);
  if (incoming.into != NULL && hears(worker)) input_pass(worker, words, incoming.want);
  expect_command();
}

/* ── everything else ── */

static void send_signal(struct worker *worker, uint32_t signal) {
  if (signal == SIGKILL) look_kill(worker);
  else if (signal > 0 && signal < 65) look_signal(worker, (int)signal);
}

static void release(struct worker *worker) {
  worker->released = true;
  news_drop(worker);
  drop_file(&worker->in);
  relay_drop(&worker->out);
  relay_drop(&worker->err);
  look_kill(worker);
}

static void answer(struct relay *relay, uint32_t wish) {
  if (wish == WISH_MORE) return relay_more(relay);
  if (wish == WISH_HAND_OVER_WIDE) watch_widen(relay->file, WIDE_OUTPUT);
  relay_drop(relay);
}

static void look(struct worker *worker, uint32_t number) {
  worker->input_look = number;
  input_look(worker);
}

static void obey(struct worker *worker, uint32_t what, uint32_t argument) {
  if (!hears(worker)) return;
  switch (what) {
    case COMMAND_SIGNAL: return send_signal(worker, argument);
    case COMMAND_RELEASE: return release(worker);
    case COMMAND_MEASURE: return look_measure(worker);
    /* Only at its word: the number of a descriptor means something else once that is closed. */
    case COMMAND_CLOSE_STDIN: return drop_file(&worker->in);
    case COMMAND_WIDEN_STDIN: return watch_widen(worker->in, WIDE_INPUT);
    case COMMAND_LOOK: return look(worker, argument);
    case COMMAND_STDOUT: return answer(&worker->out, argument);
    case COMMAND_STDERR: return answer(&worker->err, argument);
  }
}

static void complete_command(void) {
  uint32_t what = number_at(command), id = number_at(command + 4), argument = number_at(command + 8);
  expect_command();
  if (what == COMMAND_START) expect_request(id, argument);
  else if (what == COMMAND_SAY) expect_words(id, argument);
  else obey(worker_by_id(id), what, argument);
}

static void complete(void) {
  if (incoming.what == A_REQUEST) start();
  else if (incoming.what == WORDS) say();
  else complete_command();
}

/* ── bytes ── */

static void take(void) {
  size_t length = incoming.want - incoming.have;
  if (length > end - begin) length = end - begin;
  if (incoming.into != NULL) memcpy(incoming.into + incoming.have, buffer + begin, length);
  incoming.have += length;
  begin += length;
}

bool commands_read(int input) {
  if (commands_waiting()) return true;
  ssize_t length = read(input, buffer, sizeof buffer);
  if (length < 0 && (errno == EAGAIN || errno == EINTR)) return true;
  if (length <= 0) return false;
  begin = 0;
  end = (size_t)length;
  return true;
}

/* A body of no length is complete. */
bool commands_waiting(void) { return begin != end || incoming.want == 0; }

void commands_obey(void) {
  int turn = TURN;
  while (turn > 0 && commands_waiting()) {
    take();
    if (incoming.have < incoming.want) return;
    turn -= incoming.what == A_REQUEST ? TURN : 1;
    complete();
  }
}

// answer: the worker of the floor of calls. A call is an id and a length, four bytes each, and that many bytes; so is an answer.
// Sixteen bytes are two doubles, whose sum is the answer; any others are the answer themselves.
#include <stdint.h>
#include <string.h>
#include <unistd.h>

enum { ROOM = 1 << 20, HEAD = 8 };
static char in[ROOM], out[ROOM];
static size_t held, ready;

static void flush(void) {
  for (size_t at = 0; at < ready;) {
    ssize_t put = write(1, out + at, ready - at);
    if (put <= 0) _exit(1);
    at += put;
  }
  ready = 0;
}

static void answer(const char *call, uint32_t id, uint32_t length) {
  if (ready + HEAD + length > ROOM) flush();
  if (length == 16) {
    double pair[2];
    memcpy(pair, call + HEAD, 16);
    double sum = pair[0] + pair[1];
    uint32_t head[2] = {id, sizeof sum};
    memcpy(out + ready, head, HEAD), memcpy(out + ready + HEAD, &sum, sizeof sum), ready += HEAD + sizeof sum;
  } else {
    memcpy(out + ready, call, HEAD + length), ready += HEAD + length;
  }
}

int main(void) {
  for (;;) {
    ssize_t got = read(0, in + held, ROOM - held);
    if (got <= 0) return 0;
    held += got;
    size_t at = 0;
    for (uint32_t head[2]; held - at >= HEAD; at += HEAD + head[1]) {
      memcpy(head, in + at, HEAD);
      if (held - at < HEAD + (size_t)head[1]) break;
      answer(in + at, head[0], head[1]);
    }
    memmove(in, in + at, held -= at);
    flush();
  }
}

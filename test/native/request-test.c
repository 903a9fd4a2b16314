/*
 * Throws bodies at request_parse: good ones, good ones that were damaged, and noise. Always the same ones, so what fails
 * fails again. `request-test [how many]`. fuzz-request.c looks for new ones.
 */
#include "request-checks.h"

#define LARGEST 600
#define FIXED_PART 60

static size_t put_text(unsigned char *body, size_t at, const char *text) {
  size_t length = strlen(text) + 1;
  memcpy(body + at, text, length);
  return at + length;
}

/* Also with texts that are empty, and with no variable at all. */
static size_t make_good(unsigned char *body) {
  uint32_t arguments = 1 + random_below(12), variables = random_below(12);
  memset(body, 0, FIXED_PART);
  body[0] = (unsigned char)random_below(2);
  body[1] = (unsigned char)random_below(3);
  body[2] = (unsigned char)random_below(3);
  body[4] = (unsigned char)arguments;
  body[8] = (unsigned char)variables;
  for (size_t i = 12; i < FIXED_PART; i++) body[i] = (unsigned char)random_below(256);
  size_t at = put_text(body, put_text(body, FIXED_PART, "/bin/program"), "/");
  for (uint32_t i = 0; i < arguments; i++) at = put_text(body, at, &"an argument"[random_below(12)]);
  for (uint32_t i = 0; i < variables; i++) at = put_text(body, at, &"NAME=a value"[random_below(13)]);
  return at;
}

static size_t damage(unsigned char *body, size_t length) {
  size_t at = random_below((uint32_t)length), few = 1 + random_below(8);
  int value = (int)random_below(256);
  switch (random_below(6)) {
    case 0: body[at] = (unsigned char)value; return length;
    case 1: body[at] ^= (unsigned char)(1u << random_below(8)); return length;
    case 2: return at;
    case 3: memset(body + at, value % 2 ? 0 : 0xff, length - at > few ? few : length - at); return length;
    case 4: memset(body + 4, value, few); return length;
    default: memmove(body + at, body + at + 1, length - at - 1); return length - 1;
  }
}

static size_t make_noise(unsigned char *body) {
  size_t length = random_below(LARGEST);
  for (size_t i = 0; i < length; i++) body[i] = (unsigned char)(random_below(2) ? random_below(256) : 0);
  return length;
}

/* How many of them were requests. */
static unsigned long throw_all(unsigned long count) {
  static unsigned char body[LARGEST];
  unsigned long requests = 0;
  for (unsigned long i = 0; i < count; i++) {
    size_t length = i % 8 == 7 ? make_noise(body) : make_good(body);
    if (i % 8 == 0) check(check_body(body, length));
    for (uint32_t left = i % 8; left < 7 && left > 0 && length > 0; left--) length = damage(body, length);
    requests += check_body(body, length);
  }
  return requests;
}

int main(int count, char **arguments) {
  unsigned long bodies = count > 1 ? strtoul(arguments[1], NULL, 10) : 200000;
  printf("%lu bodies, %lu requests\n", bodies, throw_all(bodies));
  return 0;
}

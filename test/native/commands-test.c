/*
 * The same commands, cut into pieces at other places each time, must come to the same. `commands-test [how often]`.
 * fuzz-commands.c looks for bytes that are not survived.
 */
#include "commands-checks.h"

#define LARGEST (1 << 16)

static size_t put_number(uint8_t *at, uint32_t number) {
  for (int i = 0; i < 4; i++) at[i] = (uint8_t)(number >> (8 * i));
  return 4;
}

static size_t put_command(uint8_t *at, uint32_t what, uint32_t id, uint32_t argument) {
  put_number(at, what);
  put_number(at + 4, id);
  put_number(at + 8, argument);
  return 12;
}

/* Where `at` is now. */
static size_t put_body(uint8_t *bytes, size_t at, uint32_t what, uint32_t id, uint32_t length) {
  at += put_command(bytes + at, what, id, length);
  for (uint32_t i = 0; i < length; i++) bytes[at++] = (uint8_t)random_below(256);
  return at;
}

/* Starts and words with bodies of every length, none among them, whatever is in them; and all other commands. */
static size_t make(uint8_t *bytes, unsigned long *starts) {
  size_t at = 0;
  memset(taken, 0, sizeof taken);
  *starts = 0;
  for (uint32_t id = 0; at < LARGEST - 10000; id++) {
    for (uint32_t i = random_below(6); i > 0; i--)
      at += put_command(bytes + at, random_below(8), random_below(KNOWN), random_below(70));
    at = put_body(bytes, at, 9, random_below(KNOWN), random_below(20) ? random_below(100) : random_below(5000));
    uint32_t length = random_below(10) ? random_below(200) : random_below(4000);
    at = put_body(bytes, at, 8, KNOWN + id, length);
    ++*starts;
  }
  return at;
}

static size_t any_piece(void) { return 1 + (random_below(3) ? random_below(40) : random_below(9000)); }
static size_t whole_piece(void) { return LARGEST; }

int main(int count, char **arguments) {
  static uint8_t bytes[LARGEST];
  unsigned long rounds = count > 1 ? strtoul(arguments[1], NULL, 10) : 200, starts, all = 0;
  for (unsigned long round = 0; round < rounds; round++) {
    size_t length = make(bytes, &starts);
    heard = (struct heard){0};
    feed(bytes, length, whole_piece);
    struct heard whole = heard;
    check(whole.starts == starts && whole.refused == 0);
    heard = (struct heard){0};
    feed(bytes, length, any_piece);
    check(memcmp(&heard, &whole, sizeof heard) == 0);
    all += starts;
  }
  printf("%lu rounds, %lu starts\n", rounds, all);
  return 0;
}

/*
 * Looks for bytes of a master that the reader of commands does not survive, for as long as one likes:
 *
 *   clang -g -O1 -fsanitize=fuzzer,address,undefined -o .cache/fuzz-commands test/native/fuzz-commands.c native/commands.c native/request.c
 *   .cache/fuzz-commands -max_total_time=600 -max_len=4096
 */
#include "commands-checks.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static size_t small_piece(void) { return 61; }

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  memset(taken, 0, sizeof taken);
  feed(bytes, length, small_piece);
  return 0;
}

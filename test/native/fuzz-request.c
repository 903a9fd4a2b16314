/*
 * Looks for a body that request_parse does not survive, for as long as one likes:
 *
 *   clang -g -O1 -fsanitize=fuzzer,address,undefined -o .cache/fuzz-request test/native/fuzz-request.c native/request.c
 *   .cache/fuzz-request -max_total_time=600 -max_len=4096
 *
 * request-test.c does the same in the suite, always with the same bodies.
 */
#include "request-checks.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  (void)check_body(bytes, length);
  return 0;
}

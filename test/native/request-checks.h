/* What holds for every body, whatever is in it. For request-test.c and fuzz-request.c. */
#ifndef REQUEST_CHECKS_H
#define REQUEST_CHECKS_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../native/request.h"

/* xorshift64: always the same numbers, so what fails fails again. */
static inline uint32_t random_below(uint32_t limit) {
  static uint64_t state = 1;
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (uint32_t)(state >> 32) % limit;
}

#define check(condition) ((condition) ? (void)0 : check_failed(#condition, __LINE__))

static inline void check_failed(const char *condition, int line) {
  fprintf(stderr, "line %d: %s\n", line, condition);
  abort();
}

static inline void check_text(const char *text, const char *body, size_t length) {
  check(text >= body && text < body + length);
  check(memchr(text, 0, (size_t)(body + length - text)) != NULL);
}

static inline size_t check_texts(char *const *texts, const char *body, size_t length) {
  size_t count = 0;
  for (; texts[count] != NULL; count++) check_text(texts[count], body, length);
  return count;
}

static inline void check_request(struct request *request, const char *body, size_t length) {
  check((unsigned)request->in <= STREAM_INHERIT);
  check((unsigned)request->out <= STREAM_IGNORE && (unsigned)request->err <= STREAM_IGNORE);
  check_text(request->path, body, length);
  check_text(request->cwd, body, length);
  check(request->path[0] == '/' || (request->path[0] != 0 && strchr(request->path, '/') == NULL));
  size_t arguments = check_texts(request->argv, body, length);
  check(arguments > 0);
  check(request->envp == request->argv + arguments + 1);
  check_texts(request->envp, body, length);
  request->argv[-1] = request->path; /* The room that execute() needs. */
}

/* True when it was a request. The body is copied into memory of just its size, for the sanitizers to watch. */
static inline bool check_body(const void *bytes, size_t length) {
  struct request request;
  char *body = malloc(length > 0 ? length : 1), *copy = malloc(length > 0 ? length : 1);
  check(body != NULL && copy != NULL);
  if (length > 0) memcpy(body, bytes, length), memcpy(copy, bytes, length);
  int fault = request_parse(body, length, &request);
  check(fault == 0 || fault == EINVAL || fault == ENOMEM);
  check(memcmp(body, copy, length) == 0);
  if (fault == 0) check_request(&request, body, length);
  else check(request.argv == NULL);
  request_free(&request);
  free(copy);
  free(body);
  return fault == 0;
}

#endif

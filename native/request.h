/* What the master asks for when it starts a worker. */
#ifndef REQUEST_H
#define REQUEST_H

#include <stddef.h>

#include "limits.h"

static inline uint32_t number_at(const unsigned char *at) {
  return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* Larger than any argument list and environment that Linux takes. */
#define REQUEST_LARGEST (8u << 20)

/* PIPE is a pipe of its own. */
enum stream { STREAM_PIPE, STREAM_INHERIT, STREAM_IGNORE };

struct request {
  enum stream in, out, err;
  struct limits limits;
  char *path; /* absolute, or a name that is searched on the PATH of its environment */
  char *cwd;
  char **argv; /* both end with NULL; there is room for one more before the first argument */
  char **envp;
};

/*
 * Reads a body: three stream modes and a zero, the numbers of arguments and variables (32 bits each), six limits (64 bits
 * each), then texts that end with NUL: path, cwd, arguments, variables. The texts stay where they are; the one
 * allocation is `argv`, which `request_free` gives back. 0, EINVAL for what is no request, or ENOMEM.
 */
int request_parse(char *body, size_t length, struct request *request);

void request_free(struct request *request);

#endif

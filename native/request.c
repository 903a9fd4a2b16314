#include "request.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define FIXED_PART (4 + 2 * 4 + 6 * 8)

struct reader {
  char *at;
  char *end;
};

static uint64_t read_number(struct reader *reader, size_t bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes; i++) value |= (uint64_t)(unsigned char)reader->at[i] << (8 * i);
  reader->at += bytes;
  return value;
}

/* The next text, or NULL when the body ends before its NUL. */
static char *read_text(struct reader *reader) {
  char *text = reader->at;
  char *nul = text < reader->end ? memchr(text, 0, (size_t)(reader->end - text)) : NULL;
  if (nul == NULL) return NULL;
  reader->at = nul + 1;
  return text;
}

static int read_texts(struct reader *reader, char **texts, size_t count) {
  for (size_t i = 0; i < count; i++) {
    texts[i] = read_text(reader);
    if (texts[i] == NULL) return EINVAL;
  }
  texts[count] = NULL;
  return 0;
}

static int read_stream(struct reader *reader, enum stream most, enum stream *stream) {
  uint64_t value = read_number(reader, 1);
  *stream = (enum stream)value;
  return value > (uint64_t)most ? EINVAL : 0;
}

static int read_streams(struct reader *reader, struct request *request) {
  if (read_stream(reader, STREAM_INHERIT, &request->in) != 0) return EINVAL;
  if (read_stream(reader, STREAM_IGNORE, &request->out) != 0) return EINVAL;
  if (read_stream(reader, STREAM_IGNORE, &request->err) != 0) return EINVAL;
  return read_number(reader, 1) == 0 ? 0 : EINVAL;
}

static void read_limits(struct reader *reader, struct limits *limits) {
  limits->memory = read_number(reader, 8);
  limits->cpu_time = read_number(reader, 8);
  limits->cpus = read_number(reader, 8);
  limits->processes = read_number(reader, 8);
  limits->open_files = read_number(reader, 8);
  limits->file_size = read_number(reader, 8);
}

static bool is_program(const char *path) { return path[0] == '/' || (path[0] != 0 && strchr(path, '/') == NULL); }

static int read_command(struct reader *reader, struct request *request, size_t arguments, size_t variables) {
  request->envp = request->argv + arguments + 1;
  request->path = read_text(reader);
  request->cwd = request->path == NULL ? NULL : read_text(reader);
  if (request->cwd == NULL) return EINVAL;
  if (read_texts(reader, request->argv, arguments) != 0) return EINVAL;
  if (read_texts(reader, request->envp, variables) != 0) return EINVAL;
  return reader->at == reader->end && is_program(request->path) ? 0 : EINVAL;
}

int request_parse(char *body, size_t length, struct request *request) {
  memset(request, 0, sizeof *request);
  if (length < FIXED_PART) return EINVAL;
  struct reader reader = {body, body + length};
  if (read_streams(&reader, request) != 0) return EINVAL;
  size_t arguments = read_number(&reader, 4), variables = read_number(&reader, 4);
  read_limits(&reader, &request->limits);
  /* Each text has at least its NUL: a count beyond that is a lie, and no reason to allocate for it. */
  if (arguments == 0 || arguments > length || variables > length - arguments) return EINVAL;
  char **texts = calloc(arguments + variables + 3, sizeof *texts);
  if (texts == NULL) return ENOMEM;
  request->argv = texts + 1;
  int fault = read_command(&reader, request, arguments, variables);
  if (fault != 0) request_free(request);
  return fault;
}

void request_free(struct request *request) {
  if (request->argv != NULL) free(request->argv - 1);
  request->argv = NULL;
}

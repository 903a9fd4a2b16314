#define _GNU_SOURCE
#include "mark.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define TOP (UINT64_C(1) << 62)
#define OUTER (UINT64_C(1) << 40)
#define INNER (UINT64_C(1) << 20)

static uint64_t top;
static uint64_t step;

void mark_init(void) {
  struct rlimit own;
  if (getrlimit(RLIMIT_RTTIME, &own) != 0) return;
  uint64_t hard = own.rlim_max;
  top = hard > TOP ? TOP : hard;
  if (hard > TOP) step = OUTER;
  else if (hard >= OUTER && hard % OUTER == 0) step = INNER;
  else if (hard >= OUTER && hard % INNER == 0) step = 1;
  else step = 0; /* A real limit, or the fourth server inside one another: nothing to divide. */
}

uint32_t mark_slots(void) {
  if (step == 0) return 0;
  return (uint32_t)((step == OUTER ? TOP / OUTER : step == INNER ? OUTER / INNER : INNER) - 1);
}

int mark_set(uint32_t slot) {
  if (step == 0) return 0;
  struct rlimit mark = {top - slot * step, top - slot * step};
  return setrlimit(RLIMIT_RTTIME, &mark) == 0 ? 0 : errno;
}

/* For a process that has become another user: anybody may read this file. */
static uint64_t read_from_file(pid_t pid) {
  char path[40], text[2048];
  snprintf(path, sizeof path, "/proc/%d/limits", (int)pid);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return RLIM_INFINITY;
  ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  text[length > 0 ? length : 0] = 0;
  char *line = strstr(text, "Max realtime timeout"), soft[32], hard[32];
  if (line == NULL || sscanf(line + 20, "%31s %31s", soft, hard) != 2 || hard[0] == 'u') return RLIM_INFINITY;
  return strtoull(hard, NULL, 10);
}

uint32_t mark_of(pid_t pid) {
  struct rlimit limit;
  if (step == 0) return 0;
  uint64_t hard = RLIM_INFINITY;
  if (prlimit(pid, RLIMIT_RTTIME, NULL, &limit) == 0) hard = limit.rlim_max;
  else if (errno == EPERM) hard = read_from_file(pid);
  if (hard >= top) return 0;
  uint64_t slot = (top - hard) / step;
  return slot > 0 && slot <= mark_slots() ? (uint32_t)slot : MARK_LOST;
}

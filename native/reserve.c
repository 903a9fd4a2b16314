#define _GNU_SOURCE
#include "reserve.h"

#include <sys/resource.h>

#define RESERVED 8

static struct rlimit all;

void reserve_init(void) { getrlimit(RLIMIT_NOFILE, &all); }

void reserve_for_worker(bool yes) {
  struct rlimit files = all;
  if (yes && files.rlim_cur >= 2 * RESERVED) files.rlim_cur -= RESERVED;
  (void)setrlimit(RLIMIT_NOFILE, &files);
}

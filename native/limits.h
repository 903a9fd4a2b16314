/* What a worker may use, and how much of it was used. */
#ifndef LIMITS_H
#define LIMITS_H

#include <stdint.h>

#define UNLIMITED UINT64_MAX
#define UNKNOWN UINT64_MAX

/* UNLIMITED where nothing was asked for. */
struct limits {
  uint64_t memory;     /* bytes */
  uint64_t cpu_time;   /* microseconds */
  uint64_t cpus;       /* thousandths of a CPU */
  uint64_t processes;  /* count */
  uint64_t open_files; /* count, for each process */
  uint64_t file_size;  /* bytes, for each file */
};

/* UNKNOWN where nobody can say. */
struct usage {
  uint64_t cpu_time;    /* microseconds */
  uint64_t memory;      /* bytes */
  uint64_t memory_peak; /* bytes */
  uint64_t processes;   /* count */
};

/* The numbers of both are part of the protocol with the master. */
enum limit { LIMIT_NONE, LIMIT_MEMORY, LIMIT_CPU_TIME, LIMIT_CPUS, LIMIT_PROCESSES, LIMIT_OPEN_FILES, LIMIT_FILE_SIZE };
enum enforcer { BY_NOBODY, BY_CGROUP2, BY_CGROUP1, BY_RLIMIT, BY_SAMPLING };

#endif

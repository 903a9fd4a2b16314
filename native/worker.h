/* What the fork server knows about one worker, from its request to the end of its tree. */
#ifndef WORKER_H
#define WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "cgroup.h"
#include "limits.h"
#include "request.h"

enum phase {
  STARTING,
  RUNNING, /* its process exists */
  ENDED,   /* its process has been waited for; descendants may be left */
  FAILED   /* it never came to be */
};

/* What the master has still to be told. */
enum news { NEWS_STARTED = 1, NEWS_FAILED = 2, NEWS_EXITED = 4, NEWS_USAGE = 8, NEWS_STDOUT_END = 16, NEWS_STDERR_END = 32,
            NEWS_STDOUT_FULL = 64, NEWS_STDERR_FULL = 128, NEWS_STDIN = 256 };

/* What epoll points to. */
enum source_kind { SOURCE_STDOUT, SOURCE_STDERR, SOURCE_OUTPUTS, SOURCE_GROUP, SOURCE_CONTROL, SOURCE_SIGNALS, SOURCE_NEWS };
struct source {
  enum source_kind kind;
  struct worker *worker;
};

/* One of the two streams that a worker writes to. */
struct relay {
  int file; /* our end of the pipe, or -1 */
  unsigned which; /* 0 for stdout, 1 for stderr */
  struct source source;
  uint32_t bytes, chunks; /* passed on since the master has asked for more */
};

struct worker {
  struct worker *next, *previous;                /* all of them, in the order of their requests */
  struct worker *same_id, *same_pid, *same_slot; /* the chains of the tables in workers.c */
  struct worker *next_news;
  uint32_t id;
  uint32_t slot;
  pid_t pid;
  enum phase phase;
  bool released; /* the master does not want to hear of it any more */
  bool killing;  /* its tree is being killed until nothing is left */
  bool empty;    /* and nothing was left in the last look */
  bool was_killed; /* a SIGKILL of ours was sent */
  uint64_t killed_at;
  bool measuring;  /* the master waits for its usage */
  int signal;      /* to be sent to those of its tree who have left its group */

  int in; /* the write end of its stdin until the master wants it closed, or -1 */
  int unread;          /* of what was said to it, when the master spoke or asked last; or negative, an errno */
  uint32_t input_look; /* the number of that question */
  struct relay out, err;
  struct source on_group;

  struct limits limits;
  struct cgroup group;
  uint64_t next_look; /* when its use is to be compared with its limits, in microseconds */
  struct usage live;  /* summed up by the current look */
  uint64_t proportional; /* its memory where shared pages are shared out, or 0 */
  uint64_t reaped;    /* CPU time of its dead, in microseconds */
  uint64_t seen;      /* the most CPU time that was ever observed */
  uint64_t peak;      /* bytes */

  enum limit broken;
  enum enforcer enforcer;
  uint64_t observed;

  int status;     /* as from wait, or an errno when it failed */
  uint8_t stage;  /* where it failed */
  bool system_oom; /* the system ran out of memory when it was killed */
  unsigned news;
};

/* ── all of them ── */

extern struct worker *workers;

struct worker *worker_new(uint32_t id); /* NULL without memory */
/* Gives it a slot of its own. */
void worker_mark(struct worker *worker);
void worker_born(struct worker *worker, pid_t pid);
/* The pid may belong to somebody else from now on. */
void worker_reaped(struct worker *worker);
/* Who keeps it from more memory, processes or CPU time: its group, or else we, who look now and then. */
enum enforcer worker_enforcer(const struct worker *worker, enum limit limit);
/* Memory is given back by worker_bury, because epoll may still point to it. */
void worker_forget(struct worker *worker);
void worker_bury(void);

struct worker *worker_by_id(uint32_t id);
struct worker *worker_by_pid(pid_t pid);
struct worker *worker_by_slot(uint32_t slot);

#endif

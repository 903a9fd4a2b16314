/* The processes of this machine, and which of them are ours. */
#ifndef TREE_H
#define TREE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct process {
  pid_t pid;
  pid_t parent;
  pid_t group;
  pid_t branch;          /* the child of this process it descends from, or is */
  char state;            /* 'Z' has ended */
  uint32_t slot;         /* 0 for none */
  uint64_t waited_for;   /* CPU time of its dead children, in microseconds */
  uint64_t memory;       /* resident, in bytes */
};

/* Called for every process that descends from this one and has not ended. */
typedef void visitor(const struct process *process, void *context);

/* One look at all of them. False when there is no /proc to look at, or only that of other process ids than ours. */
bool tree_visit(visitor *visit, void *context);

/* Whether it had to leave out somebody, for want of memory or descriptors. */
bool tree_was_starved(void);

/* Calls `visit` for each child of this process, zombies too, until it returns false. False when the kernel cannot tell. */
bool tree_each_child(bool visit(pid_t child));

/* Its own CPU time with all its threads, in microseconds; 0 when it has gone. */
uint64_t tree_cpu_time(pid_t pid);

/* Its memory, where a page shared by n processes counts as an nth. 0 when nobody may know. */
uint64_t tree_proportional_memory(pid_t pid);

/* Kills every descendant, and waits for them, until a look finds none. Gives up after `patience` microseconds. */
void tree_kill_all(uint64_t patience);

/* Microseconds of a clock that never goes back. */
uint64_t now(void);

#endif

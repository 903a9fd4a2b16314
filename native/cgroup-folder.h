/* The folders of a hierarchy: their files, who is in them, and how they go. */
#ifndef CGROUP_FOLDER_H
#define CGROUP_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a hierarchy can do for us. */
enum duty { MEMORY, PROCESSES, CPUS, CPU_TIME, KILL, DUTIES };

/* One of version 2, and of version 1 at most one each for memory, pids, cpu and cpuacct. */
#define HIERARCHIES 5

struct hierarchy {
  int version;
  int fd; /* the folder in which the groups of this server are made */
  char folder[512];
  char host[520];       /* the leaf into which the master had to move; empty when it could stay where it was */
  unsigned handed_down; /* for which duties it had to */
};

extern struct hierarchy hierarchies[HIERARCHIES];
extern int hierarchy_count;
extern const struct hierarchy *hierarchy_of[DUTIES]; /* NULL when nobody can */

/* All these name a file `file` of the group `group` ("." for none) in `folder`. None allocates; errors are errnos. */
int file_open(int folder, const char *group, const char *file, int flags);
int file_write(int folder, const char *group, const char *file, const char *text);
int file_write_number(int folder, const char *group, const char *file, uint64_t number);
size_t file_read(int folder, const char *group, const char *file, char *text, size_t size);

/* Reads a file that is kept open from its start, as a string; the number of bytes, 0 for an error. */
size_t file_read_again(int fd, char *text, size_t size);

/* The number behind `key` at the start of a line, or of the whole text for an empty key. */
bool number_of(const char *text, const char *key, uint64_t *number);

/* Moves the calling process in. System calls and the stack only. */
int folder_join(int folder, const char *group);

/* Calls `visit` for every group in a group. */
typedef void folder_visitor(int folder, const char *group, int depth);
void folder_each(int folder, const char *group, folder_visitor *visit, int depth);

/* Whether it was seen that nobody is in a group, and no group below it. `members` is its cgroup.procs of version 2 where that is open, or -1. */
bool folder_is_empty(int folder, const char *group, int members);

/* Kills everything in a group and in the groups below it. */
void folder_kill(int folder, const char *group);

/* Removes a group and the groups below it. 0 also when it is gone already; EBUSY while somebody is in it. */
int folder_remove(int folder, const char *group);

#endif

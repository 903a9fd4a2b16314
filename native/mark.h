/*
 * A mark that a worker hands down to every descendant, and that none of them sheds: the hard limit of RLIMIT_RTTIME, so
 * high that it limits nothing. It survives fork, exec, setsid and a cleared environment, it can only be lowered, and one
 * system call reads it. An environment variable or a session is lost by the first program that wants to lose it.
 *
 * Values are divided like networks: a tree owns a range, and a fork server inside of it divides that range for its own
 * trees. The mark says which tree a process belongs to; that it descends from this server at all, its ancestors say,
 * because another server on this machine uses the same values.
 */
#ifndef MARK_H
#define MARK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Finds out which range is ours. To be called once, before the first mark. */
void mark_init(void);

/* How many trees can be told apart: slots 1 to this. 0 where there is no range to divide. */
uint32_t mark_slots(void);

/* Marks the calling process for good. System calls only. 0 or an errno. */
int mark_set(uint32_t slot);

/* Of a process that has lowered the limit for a purpose of its own. */
#define MARK_LOST UINT32_MAX

/* The slot of a process, also of a zombie; 0 when it has no mark of ours. */
uint32_t mark_of(pid_t pid);

#endif

/* Where the control groups of this process are: /proc/self/cgroup and /proc/self/mountinfo. */
#ifndef CGROUP_MOUNTS_H
#define CGROUP_MOUNTS_H

#include <stdbool.h>

/* The controllers by the duty they do: the first three under both versions, all four under version 1. */
extern const char *const controllers[];
#define CONTROLLERS1 4
#define CONTROLLERS2 3

/* The longest path of a group. */
#define PATH_SIZE 480

/* Which of the first `count` controllers are in a list, as bits. The list is cut to pieces. */
unsigned duties_in(char *list, int count);

/* Offers each hierarchy of a version that is wanted for something: `use` says whether it took this path of it. */
void mounts_find(int version, unsigned wanted(unsigned duties), bool use(int version, unsigned duties, char *base));

#endif

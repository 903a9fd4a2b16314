/* One look at all processes: whose they are, and for each worker what its tree uses. */
#ifndef SURVEY_H
#define SURVEY_H

#include "worker.h"

/*
 * Kills those whose tree is to be killed, passes on the signals that wait, and sums up the rest in `live`. Sets `empty` for
 * each worker of whom nobody is left. False when it could not look.
 */
bool survey(void);

/*
 * The same for our own children, which takes next to nothing, and misses nobody. Who forks and dies, again and again, is gone
 * before a look comes to it, which takes the longer the more processes there are; but one of its line is always our child.
 * Whether somebody was to be killed: who has ended and was not waited for counts.
 */
bool survey_children(void);

/* It uses more memory than it may, and nobody but us says so; `proportional` has what it uses by a fairer count. */
bool survey_suspects(const struct worker *worker);

#endif

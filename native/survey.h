/* One look at all processes: whose they are, and for each worker what its tree uses. */
#ifndef SURVEY_H
#define SURVEY_H

#include "worker.h"

/*
 * Kills those whose tree is to be killed, passes on the signals that wait, and sums up the rest in `live`. Sets `empty` for
 * each worker of whom nobody is left. False when it could not look.
 */
bool survey(void);

/* It uses more memory than it may, and nobody but us says so; `proportional` has what it uses by a fairer count. */
bool survey_suspects(const struct worker *worker);

#endif

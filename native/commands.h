/* What the master wants: a worker is to be started, or something is to happen to one that exists. */
#ifndef COMMANDS_H
#define COMMANDS_H

#include <stdbool.h>

/* Takes what has come. False when the master has gone. */
bool commands_read(int input);

/* Whether some that have come are still to be obeyed. */
bool commands_waiting(void);

/* Obeys some, up to the next start, so that everybody else has a turn before the others. */
void commands_obey(void);

#endif

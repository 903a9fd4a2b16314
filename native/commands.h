/* What the master wants of workers that exist. A command is its kind, the id of the worker and an argument. */
#ifndef COMMANDS_H
#define COMMANDS_H

#include <stdbool.h>

/* Obeys those that have come. False when none will come any more: the master has gone. */
bool commands_obey(int input);

#endif

/* What the fork server does all its life, and how that ends. */
#ifndef LOOP_H
#define LOOP_H

#include <stdbool.h>
#include <sys/types.h>

/* So long, in microseconds, those who are killed in the end may take to die. */
#define PATIENCE UINT64_C(5000000)

/* With this signal the death of the guardian is told. */
#define GUARDIAN_DIED SIGUSR1

/* False when it cannot wait for everything. `signals` is a signalfd. */
bool loop_prepare(int signals);

/* Does not return: when the master has gone, or the guardian, everything goes. */
_Noreturn void loop(pid_t guardian);

#endif

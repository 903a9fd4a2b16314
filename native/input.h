/* The stdin of a worker, while the master has little to say to it and does not open it. */
#ifndef INPUT_H
#define INPUT_H

#include "worker.h"

/* So much may be unread: what every pipe can take, however narrow, so that nothing ever waits here. */
#define INPUT_MOST 4096

/* Says it to the worker; the master is told whether that was possible, and how much was unread before. */
void input_pass(struct worker *worker, const char *bytes, size_t length);

/* Tells the master how much is unread. */
void input_look(struct worker *worker);

#endif

/*
 * What the master is told, on one connection. A frame is a length, a type, an id (32 bits each) and a body of that length.
 * All numbers are little-endian. What waits is kept with the workers, not in a queue that could grow.
 */
#ifndef NEWS_H
#define NEWS_H

#include "worker.h"

enum frame { FRAME_HELLO, FRAME_STARTED, FRAME_FAILED, FRAME_EXITED, FRAME_STDERR, FRAME_STDERR_END, FRAME_USAGE };

/* The master reads from `output`, which must not block. */
void news_init(int output);

/* The first frame: what this machine can do. */
void news_hello(const char *text);

/* Remembers to tell it. */
void news_add(struct worker *worker, enum news news);

/* Takes it back: the worker is about to be forgotten. */
void news_drop(struct worker *worker);

/* Passes on what the worker wrote to its stderr. False at its end. */
bool news_pass_stderr(struct worker *worker);

/* Writes what can be written. */
void news_flush(void);

/* Whether something waits for the master to read: then nobody's stderr should be read. */
bool news_waiting(void);

#endif

/*
 * What the master is told, on one connection. A frame is a length, a type, an id (32 bits each) and a body of that length.
 * All numbers are little-endian. What waits is kept with the workers, not in a queue that could grow.
 */
#ifndef NEWS_H
#define NEWS_H

#include "worker.h"

enum frame { FRAME_HELLO, FRAME_STARTED, FRAME_FAILED, FRAME_EXITED, FRAME_USAGE, FRAME_STDOUT, FRAME_STDERR,
             FRAME_STDOUT_END, FRAME_STDERR_END, FRAME_STDOUT_FULL, FRAME_STDERR_FULL, FRAME_STDIN };

/* The master reads from `output`, which must not block. */
void news_init(int output);

/* The first frame: what this machine can do. */
void news_hello(const char *text);

/* Remembers to tell it. */
void news_add(struct worker *worker, enum news news);

/* Takes it back: the worker is about to be forgotten. */
void news_drop(struct worker *worker);

/* Passes on what the worker wrote to a pipe: so many bytes, 0 at its end, -1 when there is nothing, or no room. */
ssize_t news_pass(struct worker *worker, int file, unsigned frame);

/* Whether something can be passed on before the next flush. */
bool news_have_room(void);

/* Writes what can be written. */
void news_flush(void);

/* Whether something waits for the master to read: then what workers write should not be read. */
bool news_waiting(void);

#endif

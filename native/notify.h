#ifndef NOTIFY_H
#define NOTIFY_H

/* Carries each line of stdin to the service manager, until there are no more. The exit code. */
int notify(void);

#endif

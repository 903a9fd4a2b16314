/*
 * What a service says of itself to systemd (sd_notify(3)): datagrams to the socket that NOTIFY_SOCKET names. Node has no
 * such sockets, so its lines come here, and each leaves as a datagram.
 */
#define _GNU_SOURCE
#include "notify.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int connect_to_manager(void) {
  const char *name = getenv("NOTIFY_SOCKET");
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t length = name == NULL ? 0 : strlen(name);
  if (length < 2 || length >= sizeof address.sun_path || (name[0] != '/' && name[0] != '@')) return -1;
  memcpy(address.sun_path, name, length);
  if (name[0] == '@') address.sun_path[0] = '\0';
  int socket_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (name[0] == '/' ? 1 : 0));
  return socket_ >= 0 && connect(socket_, (struct sockaddr *)&address, size) == 0 ? socket_ : -1;
}

/* Sends the whole lines; how much of them there was. */
static size_t send_lines(int manager, const char *text, size_t length) {
  size_t start = 0;
  for (size_t i = start; i < length; i++) {
    if (text[i] != '\n') continue;
    if (i > start) (void)send(manager, text + start, i - start, MSG_NOSIGNAL);
    start = i + 1;
  }
  return start;
}

int notify(void) {
  char text[4096];
  size_t length = 0;
  prctl(PR_SET_NAME, "pagent-notify");
  /* The last thing it carries is that the master is stopping, which a signal to all of them has begun. */
  signal(SIGTERM, SIG_IGN);
  signal(SIGINT, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  int manager = connect_to_manager();
  if (manager < 0) return 1;
  for (;;) {
    ssize_t got = read(0, text + length, sizeof text - length);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return 0;
    length += (size_t)got;
    size_t sent = send_lines(manager, text, length);
    /* A line that is longer than all of it is nothing we say. */
    if (sent == 0 && length == sizeof text) sent = length;
    memmove(text, text + sent, length - sent);
    length -= sent;
  }
}

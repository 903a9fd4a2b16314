#define _GNU_SOURCE
#include "connections.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "life.h"
#include "watch.h"

/* Descriptors that no worker may take up: to look at processes, to kill, and to hang up, we need some. */
#define RESERVED 8

static int listener = -1;
static pid_t master;
static struct rlimit all_files;

/* The kernel chooses a name that is free. Its first byte is NUL: it is no file, and nobody has to remove it. */
int connections_listen(pid_t only_for) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  master = only_for;
  getrlimit(RLIMIT_NOFILE, &all_files);
  listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address.sun_family) != 0) return -1;
  return listen(listener, 4096) == 0 ? listener : -1;
}

bool connections_name(char *name, size_t size) {
  struct sockaddr_un address;
  socklen_t length = sizeof address;
  if (getsockname(listener, (struct sockaddr *)&address, &length) != 0) return false;
  size_t count = length - sizeof address.sun_family - 1;
  snprintf(name, size, "%.*s", (int)count, address.sun_path + 1);
  return true;
}

/* ── requests ── */

/* The header is there. False when the connection is of no use. */
static bool expect_body(struct worker *worker) {
  uint32_t length = number_at(worker->header), id = number_at(worker->header + 4);
  if (worker_by_id(id) != NULL) return false;
  worker_name(worker, id);
  worker->body = length <= REQUEST_LARGEST ? malloc(length + 1) : NULL;
  worker->have = 0;
  worker->want = length;
  if (worker->body != NULL) return true;
  life_fail(worker, STAGE_REQUEST, length <= REQUEST_LARGEST ? ENOMEM : E2BIG);
  return true;
}

static void await_more(struct worker *worker) {
  if (worker->watched) return;
  worker->watched = watch_add(poller, worker->connection, EPOLLIN, &worker->on_connection);
  if (!worker->watched) life_abandon(worker);
}

/* Never more than was announced: what follows belongs to the worker. */
static void read_request(struct worker *worker) {
  for (;;) {
    char *into = worker->body != NULL ? worker->body : (char *)worker->header;
    ssize_t length = recv(worker->connection, into + worker->have, worker->want - worker->have, MSG_DONTWAIT);
    if (length < 0 && (errno == EAGAIN || errno == EINTR)) return await_more(worker);
    if (length <= 0) return life_abandon(worker);
    worker->have += (size_t)length;
    if (worker->have < worker->want) continue;
    if (worker->body != NULL) return life_start(worker);
    if (!expect_body(worker)) return life_abandon(worker);
    if (worker->phase == FAILED) return;
    if (worker->want == 0) return life_start(worker);
  }
}

/* The descriptors that are taken from now on are for a worker, or not. */
static void for_worker(bool yes) {
  struct rlimit files = all_files;
  if (yes && files.rlim_cur >= 2 * RESERVED) files.rlim_cur -= RESERVED;
  (void)setrlimit(RLIMIT_NOFILE, &files);
}

void connections_read(struct worker *worker) {
  for_worker(true);
  if (worker->connection >= 0) read_request(worker);
  for_worker(false);
}

/* ── those who connect ── */

/* Nobody but the master: the kernel says who has connected. */
static bool is_master(int connection) {
  struct ucred peer;
  socklen_t length = sizeof peer;
  return getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && peer.pid == master;
}

/* No descriptor is left: with one that is reserved, so that the master hears of it. */
static void hang_up(void) {
  for_worker(false);
  int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  if (connection >= 0) close(connection);
  /* The whole system has none, or no memory. Who waits will still be there, and must not keep us busy until then. */
  else if (errno != EAGAIN) nanosleep(&(struct timespec){0, 10 * 1000 * 1000}, NULL);
}

/*
 * What the worker writes and the master has not read yet. Its writer sleeps when this is full and wakes when three quarters are
 * read: with the default, a fast reader has read the rest before the writer is back. The kernel cuts it to what is allowed.
 */
#define UNREAD (1 << 20)

static void make_room(int connection) {
  (void)setsockopt(connection, SOL_SOCKET, SO_SNDBUF, &(int){UNREAD / 2}, sizeof(int));
}

static void accept_one(void) {
  int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  if (connection < 0) return errno == EAGAIN ? (void)0 : hang_up();
  struct worker *worker = is_master(connection) ? worker_new(connection) : NULL;
  make_room(connection);
  if (worker == NULL) close(connection);
  else read_request(worker); /* It is usually there already. */
}

void connections_accept(void) {
  for_worker(true);
  accept_one();
  for_worker(false);
}

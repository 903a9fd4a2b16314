#define _GNU_SOURCE
#include "cgroup-handover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup-mounts.h"

static unsigned controllers_in(int folder, const char *file) {
  char text[512];
  file_read(folder, ".", file, text, sizeof text);
  return duties_in(text, CONTROLLERS2);
}

static bool is_family(const struct family *family, pid_t process) {
  char path[32], text[512];
  int parent = 0;
  if (process == family->server || process == family->master || process == getppid()) return true;
  snprintf(path, sizeof path, "/proc/%d", (int)process);
  file_read(AT_FDCWD, path, "stat", text, sizeof text);
  const char *name_end = strrchr(text, ')');
  return name_end && sscanf(name_end + 1, " %*c %d", &parent) == 1 && parent == family->server;
}

/* The root may have processes, and has no type. */
static bool is_crowded(int base) {
  char text[32];
  return file_read(base, ".", "cgroup.type", text, sizeof text) > 0 &&
         file_read(base, ".", "cgroup.procs", text, sizeof text) > 0;
}

/* More than fit in here are more than the family. */
static bool only_family(const struct family *family, int base) {
  char text[4096];
  char *rest = text;
  if (file_read(base, ".", "cgroup.procs", text, sizeof text) == sizeof text - 1) return false;
  for (char *line; (line = strsep(&rest, "\n")) && *line;)
    if (!is_family(family, (pid_t)strtol(line, NULL, 10))) return false;
  return true;
}

/* One that has ended meanwhile need not be moved. */
static int move_all(int base, const char *from, const char *to) {
  char text[4096];
  char *rest = text;
  file_read(base, from, "cgroup.procs", text, sizeof text);
  for (char *line; (line = strsep(&rest, "\n")) && *line;) {
    int error = file_write(base, to, "cgroup.procs", line);
    if (error && error != ESRCH) return error;
  }
  return 0;
}

/* All of them or none. */
static int change_controllers(int folder, char sign, unsigned duties) {
  char text[64] = "";
  char *end = text;
  for (int i = 0; i < CONTROLLERS2; i++)
    if (duties & 1U << i) end += sprintf(end, "%c%s ", sign, controllers[i]);
  return *text ? file_write(folder, ".", "cgroup.subtree_control", text) : 0;
}

/* One by one, because one may be refused for a reason of its own. */
static void hand_down(int folder, unsigned duties) {
  for (int i = 0; i < CONTROLLERS2; i++) change_controllers(folder, '+', duties & 1U << i);
}

/* A process that is born while we move the others makes a second round worth while. Nothing gained: all goes back. */
static void hand_down_crowded(int base, struct hierarchy *hierarchy, const struct family *family, unsigned duties) {
  char host[64];
  snprintf(host, sizeof host, PREFIX "%d" HOST, (int)family->server);
  if (mkdirat(base, host, 0755) < 0 && errno != EEXIST) return;
  for (int round = 0; round < 3 && is_crowded(base); round++)
    if (!only_family(family, base) || move_all(base, ".", host) != 0) break;
  if (!is_crowded(base)) hand_down(base, duties);
  if (controllers_in(base, "cgroup.subtree_control") & duties) {
    stpcpy(stpcpy(hierarchy->host, hierarchy->folder), HOST);
    hierarchy->handed_down = duties;
    return;
  }
  move_all(base, host, ".");
  unlinkat(base, host, AT_REMOVEDIR);
}

void handover_undo(const struct hierarchy *hierarchy) {
  char base[sizeof hierarchy->folder];
  if (!hierarchy->host[0]) return;
  memcpy(base, hierarchy->folder, sizeof base);
  *strrchr(base, '/') = '\0';
  int fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0 && change_controllers(fd, '-', hierarchy->handed_down) == 0)
    move_all(fd, strrchr(hierarchy->host, '/') + 1, ".");
  rmdir(hierarchy->host);
  if (fd >= 0) close(fd);
}

unsigned handover_get(int base, struct hierarchy *hierarchy, const struct family *family, bool *is_shared) {
  unsigned available = controllers_in(base, "cgroup.controllers");
  unsigned missing = available & ~controllers_in(base, "cgroup.subtree_control");
  if (missing && !is_crowded(base)) hand_down(base, missing);
  else if (missing && only_family(family, base)) hand_down_crowded(base, hierarchy, family, missing);
  else if (missing) *is_shared = true;
  hand_down(hierarchy->fd, available & controllers_in(base, "cgroup.subtree_control"));
  return controllers_in(hierarchy->fd, "cgroup.subtree_control");
}

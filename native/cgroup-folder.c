#define _GNU_SOURCE
#include "cgroup-folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A worker may make groups in its group. Deeper than this nobody goes who has no evil in mind. */
#define DEEPEST 16

/* Without cgroup.kill a process may fork while its group is read; so often we look again. */
#define KILL_ROUNDS 5

/* Not snprintf: cgroup_join comes through here, in a child that shares our memory. */
int file_open(int folder, const char *group, const char *file, int flags) {
  char path[NAME_MAX + 64];
  if (strlen(group) + strlen(file) + 2 > sizeof path) return errno = ENAMETOOLONG, -1;
  stpcpy(stpcpy(stpcpy(path, group), "/"), file);
  return openat(folder, path, flags | O_CLOEXEC);
}

int file_write(int folder, const char *group, const char *file, const char *text) {
  int fd = file_open(folder, group, file, O_WRONLY);
  if (fd < 0) return errno;
  ssize_t written = write(fd, text, strlen(text));
  int error = written < 0 ? errno : 0;
  close(fd);
  return error;
}

int file_write_number(int folder, const char *group, const char *file, uint64_t number) {
  char text[24];
  snprintf(text, sizeof text, "%llu", (unsigned long long)number);
  return file_write(folder, group, file, text);
}

size_t file_read(int folder, const char *group, const char *file, char *text, size_t size) {
  int fd = file_open(folder, group, file, O_RDONLY);
  size_t length = file_read_again(fd, text, size);
  if (fd >= 0) close(fd);
  return length;
}

size_t file_read_again(int fd, char *text, size_t size) {
  ssize_t length = fd < 0 ? -1 : pread(fd, text, size - 1, 0);
  if (length < 0) length = 0;
  text[length] = '\0';
  return (size_t)length;
}

bool number_of(const char *text, const char *key, uint64_t *number) {
  size_t length = strlen(key);
  for (const char *line = text; line && *line; line = strchr(line, '\n')) {
    if (*line == '\n') line++;
    if (strncmp(line, key, length) != 0 || (length && line[length] != ' ')) continue;
    char *end;
    const char *digits = line + length;
    uint64_t found = strtoull(digits, &end, 10);
    if (end != digits) *number = found;
    return end != digits;
  }
  return false;
}

/*
 * Where there is `tasks` (version 1), moving the calling thread is all there is to do, because it is alone; and the kernel need not
 * stop every other process from making threads meanwhile, as it must for `cgroup.procs`: that is ten times as fast.
 */
int folder_join(int folder, const char *group) {
  int error = file_write(folder, group, "tasks", "0");
  return error == ENOENT ? file_write(folder, group, "cgroup.procs", "0") : error;
}

/* As the kernel writes it; the C library has it only behind opendir, which allocates. */
struct entry {
  uint64_t inode;
  int64_t offset;
  unsigned short length;
  unsigned char type;
  char name[];
};
#define TYPE_FOLDER 4

void folder_each(int folder, const char *group, folder_visitor *visit, int depth) {
  _Alignas(struct entry) char entries[2048];
  int fd = openat(folder, group, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  long length;
  while ((length = syscall(SYS_getdents64, fd, entries, sizeof entries)) > 0) {
    for (long at = 0; at < length;) {
      const struct entry *entry = (const struct entry *)(const void *)(entries + at);
      if (entry->type == TYPE_FOLDER && entry->name[0] != '.') visit(fd, entry->name, depth);
      at += entry->length;
    }
  }
  close(fd);
}

/* A folder has two links, and one more for each in it. */
bool folder_is_empty(int folder, const char *group, int members) {
  char text[32];
  struct stat found;
  int fd = members >= 0 ? members : file_open(folder, group, "cgroup.procs", O_RDONLY);
  bool empty = fd >= 0 && pread(fd, text, sizeof text, 0) == 0;
  if (fd >= 0 && members < 0) close(fd);
  return empty && fstatat(folder, group, &found, 0) == 0 && found.st_nlink == 2;
}

/* A process of a foreign process namespace is shown as 0, and kill(0) would be our own process group. */
static void signal_listed(const char *text) {
  for (const char *at = text; *at;) {
    char *end;
    long process = strtol(at, &end, 10);
    if (end == at) return;
    if (process > 1 && process != getpid()) kill((pid_t)process, SIGKILL);
    at = *end ? end + 1 : end;
  }
}

/* A number cut in two by the end of the buffer would be somebody else's: what follows the last line is left out. */
static void signal_members(int folder, const char *group) {
  char text[4096];
  int fd = file_open(folder, group, "cgroup.procs", O_RDONLY);
  if (fd < 0) return;
  off_t offset = 0;
  ssize_t length;
  while ((length = pread(fd, text, sizeof text - 1, offset)) > 0) {
    text[length] = '\0';
    char *last = strrchr(text, '\n');
    if (!last) break;
    last[1] = '\0';
    signal_listed(text);
    offset += last + 1 - text;
  }
  close(fd);
}

static void signal_tree(int folder, const char *group, int depth) {
  if (depth > DEEPEST) return;
  signal_members(folder, group);
  folder_each(folder, group, signal_tree, depth + 1);
}

void folder_kill(int folder, const char *group) {
  if (file_write(folder, group, "cgroup.kill", "1") == 0) return;
  for (int round = 0; round < KILL_ROUNDS; round++) signal_tree(folder, group, 0);
}

static void remove_tree(int folder, const char *group, int depth) {
  if (depth > DEEPEST || unlinkat(folder, group, AT_REMOVEDIR) == 0) return;
  folder_each(folder, group, remove_tree, depth + 1);
  unlinkat(folder, group, AT_REMOVEDIR);
}

int folder_remove(int folder, const char *group) {
  if (unlinkat(folder, group, AT_REMOVEDIR) == 0 || errno == ENOENT) return 0;
  if (errno != EBUSY && errno != ENOTEMPTY) return errno;
  folder_each(folder, group, remove_tree, 1);
  if (unlinkat(folder, group, AT_REMOVEDIR) == 0 || errno == ENOENT) return 0;
  return errno == ENOTEMPTY ? EBUSY : errno;
}

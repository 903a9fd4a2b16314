#define _GNU_SOURCE
#include "cgroup-mounts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup-folder.h"

/* What version 1 calls them, and version 2 the first three. */
const char *const controllers[] = {
    [MEMORY] = "memory", [PROCESSES] = "pids", [CPUS] = "cpu", [CPU_TIME] = "cpuacct"};

unsigned duties_in(char *list, int count) {
  unsigned duties = 0;
  char *rest = list;
  for (char *word; (word = strsep(&rest, ", \n"));)
    for (int i = 0; i < count; i++)
      if (strcmp(word, controllers[i]) == 0) duties |= 1U << i;
  return duties;
}

/* Blanks in paths come as \040. */
static void unescape(char *text) {
  char *to = text;
  for (const char *from = text; *from; to++) {
    char digits[4] = {0};
    if (*from == '\\') memcpy(digits, from + 1, strnlen(from + 1, 3));
    *to = digits[2] ? (char)strtol(digits, NULL, 8) : *from;
    from += digits[2] ? 4 : 1;
  }
  *to = '\0';
}

struct mount {
  char *root; /* which group it shows at its point */
  char *point;
  unsigned duties; /* of version 1 */
  int version;
};

/* 36 35 98:0 ROOT POINT rw,noatime master:1 - TYPE SOURCE rw,CONTROLLERS */
static bool parse_mount(char *line, struct mount *mount) {
  char *rest = strstr(line, " - cgroup");
  if (!rest) return false;
  *rest = '\0';
  rest += strlen(" - ");
  const char *type = strsep(&rest, " ");
  mount->version = strcmp(type, "cgroup2") == 0 ? 2 : 1;
  strsep(&rest, " ");
  mount->duties = rest ? duties_in(rest, CONTROLLERS1) : 0;
  for (int i = 0; i < 3; i++) strsep(&line, " ");
  mount->root = strsep(&line, " ");
  mount->point = strsep(&line, " ");
  if (!mount->root || !mount->point) return false;
  unescape(mount->root);
  unescape(mount->point);
  return true;
}

/* The own group as a path of the file system, when this mount shows it. */
static bool locate(const struct mount *mount, const char *group, char *base) {
  size_t length = strcmp(mount->root, "/") == 0 ? 0 : strlen(mount->root);
  if (strncmp(group, mount->root, length) != 0) return false;
  const char *below = group + length;
  if (*below && *below != '/') return false;
  if (strcmp(below, "/") == 0) below = "";
  int written = snprintf(base, PATH_SIZE, "%s%s", mount->point, below);
  return written > 0 && written < PATH_SIZE;
}

/* The first mount that works: the same hierarchy may be mounted more than once, and once read-only. */
static void find_mount(int version, unsigned duties, const char *group, bool use(int, unsigned, char *)) {
  FILE *mounts = fopen("/proc/self/mountinfo", "re");
  char *line = NULL;
  char base[PATH_SIZE];
  size_t size = 0;
  bool found = false;
  while (mounts && !found && getline(&line, &size, mounts) > 0) {
    struct mount mount;
    if (!parse_mount(line, &mount) || mount.version != version) continue;
    if (version == 1 && !(mount.duties & duties)) continue;
    found = locate(&mount, group, base) && use(version, duties, base);
  }
  free(line);
  if (mounts) fclose(mounts);
}

/* A line is 4:memory,hugetlb:/the/group for version 1, and 0::/the/group for version 2. */
void mounts_find(int version, unsigned wanted(unsigned), bool use(int, unsigned, char *)) {
  FILE *groups = fopen("/proc/self/cgroup", "re");
  char *line = NULL;
  size_t size = 0;
  while (groups && getline(&line, &size, groups) > 0) {
    char *rest = line;
    strsep(&rest, ":");
    char *list = strsep(&rest, ":");
    if (!rest || (version == 2) != (*list == '\0')) continue;
    rest[strcspn(rest, "\n")] = '\0';
    unsigned duties = version == 2 ? (1U << DUTIES) - 1 : wanted(duties_in(list, CONTROLLERS1));
    if (duties) find_mount(version, duties, rest, use);
  }
  free(line);
  if (groups) fclose(groups);
}

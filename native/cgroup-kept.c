#define _GNU_SOURCE
#include "cgroup-kept.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

/* So many groups at a time have theirs, where a process may open enough: all together one file in twenty. */
#define MOST_KEEPERS 64
#define FILES_PER_KEEPER 256
static int keepers;

enum kept { MEMBERS, DOOR = MEMBERS + HIERARCHIES, PEAKS = DOOR + HIERARCHIES, PLACE = PEAKS + 2, KEPT };
_Static_assert(KEPT == CGROUP_KEPT, "there is room for all of them");

static const char *const peaks[2] = {"memory.max_usage_in_bytes", "memory.memsw.max_usage_in_bytes"};

void kept_none(struct cgroup *group) {
  group->keeps = false;
  for (int i = 0; i < KEPT; i++) group->kept[i] = -1;
}

static void open_in(struct cgroup *group, int hierarchy) {
  const struct hierarchy *home = &hierarchies[hierarchy];
  if (home->version == 1) {
    /* Not who is in it: version 1 shows who opens the file anew what is true, and others for a second what was. */
    group->kept[DOOR + hierarchy] = file_open(home->fd, group->name, "tasks", O_WRONLY);
    for (int i = 0; i < 2 && home == hierarchy_of[MEMORY]; i++)
      group->kept[PEAKS + i] = file_open(home->fd, group->name, peaks[i], O_WRONLY);
  } else {
    group->kept[MEMBERS + hierarchy] = file_open(home->fd, group->name, "cgroup.procs", O_RDONLY);
    group->kept[PLACE] = file_open(home->fd, group->name, "", O_PATH | O_DIRECTORY);
  }
}

static uint64_t most_files(void) {
  struct rlimit files;
  return getrlimit(RLIMIT_NOFILE, &files) == 0 ? files.rlim_cur : 0;
}

/* The lowest free number is given first: such high ones are the last, and wanted for something else. */
static bool is_scarce(const struct cgroup *group, uint64_t most) {
  for (int i = 0; i < KEPT; i++)
    if (group->kept[i] >= 0 && (uint64_t)group->kept[i] >= most - most / 8) return true;
  return false;
}

void kept_open(struct cgroup *group) {
  uint64_t most = most_files();
  if (group->keeps || keepers >= MOST_KEEPERS || (uint64_t)keepers >= most / FILES_PER_KEEPER) return;
  keepers++;
  group->keeps = true;
  for (int i = 0; i < hierarchy_count; i++)
    if (is_in(group, i)) open_in(group, i);
  if (is_scarce(group, most)) kept_close(group);
}

void kept_close(struct cgroup *group) {
  if (!group->keeps) return;
  keepers--;
  for (int i = 0; i < KEPT; i++)
    if (group->kept[i] >= 0) close(group->kept[i]);
  kept_none(group);
}

bool kept_is_empty(const struct cgroup *group, int hierarchy) {
  return folder_is_empty(hierarchies[hierarchy].fd, group->name, group->kept[MEMBERS + hierarchy]);
}

int kept_join(const struct cgroup *group, int hierarchy) {
  int door = group->kept[DOOR + hierarchy];
  if (door >= 0 && write(door, "0", 1) == 1) return 0;
  return folder_join(hierarchies[hierarchy].fd, group->name);
}

int cgroup_birthplace(const struct cgroup *group) {
  if (group->kept[PLACE] >= 0) return group->kept[PLACE];
  for (int i = 0; i < hierarchy_count; i++)
    if (is_in(group, i) && hierarchies[i].version == 2)
      return file_open(hierarchies[i].fd, group->name, "", O_PATH | O_DIRECTORY);
  return -1;
}

void cgroup_give_back(const struct cgroup *group, int birthplace) {
  if (birthplace >= 0 && birthplace != group->kept[PLACE]) close(birthplace);
}

/* Not every kernel counts what is swapped. */
static bool forget_peak(const struct cgroup *group, int which) {
  int file = group->kept[PEAKS + which];
  if (file >= 0 && write(file, "0", 1) == 1) return true;
  int error = file_write(hierarchy_of[MEMORY]->fd, group->name, peaks[which], "0");
  return error == 0 || error == ENOENT;
}

bool kept_forget_peaks(const struct cgroup *group) { return forget_peak(group, 0) && forget_peak(group, 1); }

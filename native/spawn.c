#define _GNU_SOURCE
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mark.h"

/* Makes the kernel choose a worker before its master when memory runs out. */
#define OOM_SCORE "800"

#ifdef __GLIBC__
typedef __rlimit_resource_t resource;
#else
typedef int resource;
#endif

/* From linux/sched.h, which not every C library comes with. */
struct clone_arguments {
  uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};
#define INTO_CGROUP UINT64_C(0x200000000)
#ifndef SYS_clone3
#define SYS_clone3 435
#endif

/* Shared with a child that has memory of its own. */
struct failure {
  enum stage stage;
  int error;
};
static struct failure *failure;

static char stack[64 * 1024] __attribute__((aligned(64)));
static struct rlimit own_files;
static pid_t own_pid;

void spawn_init(void) {
  static struct failure ours;
  failure = mmap(NULL, sizeof *failure, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (failure == MAP_FAILED) failure = &ours;
  own_pid = getpid();
  if (getrlimit(RLIMIT_NOFILE, &own_files) != 0) return;
  struct rlimit most = {own_files.rlim_max, own_files.rlim_max};
  (void)setrlimit(RLIMIT_NOFILE, &most);
}

static int limit_to(resource which, uint64_t soft, uint64_t hard) {
  struct rlimit now;
  if (getrlimit(which, &now) != 0) return errno;
  struct rlimit wanted = {soft < now.rlim_max ? soft : now.rlim_max, hard < now.rlim_max ? hard : now.rlim_max};
  return setrlimit(which, &wanted) == 0 ? 0 : errno;
}

/* CPU time is limited per process and in whole seconds: a second belt, for when nobody is there to look. */
static int limit_cpu_time(uint64_t microseconds) {
  uint64_t seconds = microseconds / 1000000 + 2;
  return limit_to(RLIMIT_CPU, seconds, seconds + 2);
}

static int limit(const struct limits *limits, uint32_t slot) {
  int fault = mark_set(slot);
  if (fault == 0) fault = limit_to(RLIMIT_CORE, 0, RLIM_INFINITY);
  if (fault == 0 && limits->cpu_time != UNLIMITED) fault = limit_cpu_time(limits->cpu_time);
  if (fault == 0 && limits->file_size != UNLIMITED) fault = limit_to(RLIMIT_FSIZE, limits->file_size, limits->file_size);
  if (fault != 0) return fault;
  if (limits->open_files != UNLIMITED) return limit_to(RLIMIT_NOFILE, limits->open_files, limits->open_files);
  return setrlimit(RLIMIT_NOFILE, &own_files) == 0 ? 0 : errno;
}

static void offer_to_the_oom_killer(void) {
  int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (file < 0) return;
  if (write(file, OOM_SCORE, sizeof OOM_SCORE - 1) < 0) return; /* It is higher already, and closed by exec. */
  close(file);
}

/* The master reads and writes its own without blocking; few other programs can. */
static int make_blocking(int file) {
  int flags = fcntl(file, F_GETFL);
  if (flags < 0) return errno;
  return (flags & O_NONBLOCK) == 0 || fcntl(file, F_SETFL, flags & ~O_NONBLOCK) == 0 ? 0 : errno;
}

static int connect_streams(const int streams[3]) {
  for (int i = 0; i < 3; i++) {
    if (dup2(streams[i], i) < 0) return errno;
    int fault = make_blocking(i);
    if (fault != 0) return fault;
  }
  return 0;
}

static int fail(enum stage stage, int error) {
  failure->stage = stage;
  failure->error = error;
  _exit(127);
}

/* As execvp does: a script without a first line that names its interpreter is one for sh. */
static void execute(const struct request *request, char *path) {
  execve(path, request->argv, request->envp);
  if (errno != ENOEXEC) return;
  char **shell = request->argv - 1; /* The parser left room for it. */
  shell[0] = (char[]){"sh"};
  shell[1] = path;
  execve("/bin/sh", shell, request->envp);
  errno = ENOEXEC;
}

static const char *search_path(const struct request *request) {
  for (char **variable = request->envp; *variable != NULL; variable++)
    if (strncmp(*variable, "PATH=", 5) == 0) return *variable + 5;
  return "/usr/local/bin:/usr/bin:/bin";
}

/* A folder without a name is the current one. */
static bool execute_in(const struct request *request, const char *folder, size_t length) {
  static char path[PATH_MAX];
  const char *slash = length > 0 ? "/" : "";
  int needed = snprintf(path, sizeof path, "%.*s%s%s", (int)length, folder, slash, request->path);
  if (needed >= (int)sizeof path) errno = ENAMETOOLONG;
  else execute(request, path);
  return errno == ENOENT || errno == ENOTDIR || errno == EACCES || errno == ENAMETOOLONG || errno == ELOOP || errno == ESTALE;
}

/* The first that can be run, as execvp does. What is there and may not be run is only told when there is no other. */
static void search(const struct request *request) {
  int fault = ENOENT;
  for (const char *at = search_path(request);; at++) {
    size_t length = strcspn(at, ":");
    if (!execute_in(request, at, length)) return;
    if (errno == EACCES) fault = EACCES;
    at += length;
    if (*at == 0) break;
  }
  errno = fault;
}

/* Runs in the memory of the server, which stands still until the exec. */
static int become_the_worker(void *argument) {
  struct spawn *spawn = argument;
  const struct request *request = spawn->request;
  sigset_t none;
  int fault;
  if (setsid() < 0) return fail(STAGE_SESSION, errno);
  if (spawn->group != NULL && (fault = cgroup_join(spawn->group, spawn->born_inside)) != 0) return fail(STAGE_CGROUP, fault);
  offer_to_the_oom_killer(); /* It opens a file, and the worker may have a lower limit than we have open. */
  if ((fault = limit(&request->limits, spawn->slot)) != 0) return fail(STAGE_RLIMIT, fault);
  if (chdir(request->cwd) != 0) return fail(STAGE_CWD, errno);
  if ((fault = connect_streams(spawn->streams)) != 0) return fail(STAGE_PIPE, fault);
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return fail(STAGE_SESSION, errno);
  if (getppid() != own_pid) return fail(STAGE_SESSION, ESRCH);
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  if (request->path[0] == '/') execute(request, request->path);
  else search(request);
  return fail(STAGE_EXEC, errno);
}

/*
 * The C library has no clone3, and its syscall() cannot return twice on one stack: the child would overwrite where the parent
 * has to return to. In place it can, as vfork does: the child goes only deeper. Elsewhere its memory is a copy; ours is small.
 * So it is under the address sanitizer, whose notes about a stack that two share would be about neither.
 */
#if defined __x86_64__ && !defined __SANITIZE_ADDRESS__
#define MEMORY CLONE_VM
static inline __attribute__((always_inline)) long clone3_here(struct clone_arguments *arguments) {
  long result = SYS_clone3;
  __asm__ volatile("syscall" : "+a"(result) : "D"(arguments), "S"(sizeof *arguments) : "rcx", "r11", "memory");
  return result;
}
#elif defined __aarch64__ && !defined __SANITIZE_ADDRESS__
#define MEMORY CLONE_VM
static inline __attribute__((always_inline)) long clone3_here(struct clone_arguments *arguments) {
  register long number __asm__("x8") = SYS_clone3, result __asm__("x0") = (long)arguments, size __asm__("x1") = sizeof *arguments;
  __asm__ volatile("svc 0" : "+r"(result) : "r"(number), "r"(size) : "memory");
  return result;
}
#else
#define MEMORY 0
static long clone3_here(struct clone_arguments *arguments) {
  long result = syscall(SYS_clone3, arguments, sizeof *arguments);
  return result < 0 ? -errno : result;
}
#endif

/* The child may not touch the frame of the parent: it does nothing there but to call this. */
static _Noreturn __attribute__((noinline)) void live(struct spawn *spawn) { _exit(become_the_worker(spawn)); }

/* Straight into its group of version 2. -1 where the kernel, or who filters its calls, does not want that. */
static __attribute__((noinline)) pid_t clone_into_group(struct spawn *spawn) {
  int place = spawn->group != NULL ? cgroup_birthplace(spawn->group) : -1;
  if (place < 0) return -1;
  struct clone_arguments arguments = {.flags = MEMORY | CLONE_VFORK | INTO_CGROUP, .exit_signal = SIGCHLD};
  arguments.cgroup = (uint64_t)place;
  spawn->born_inside = true;
  long pid = clone3_here(&arguments);
  if (pid == 0) live(spawn);
  int error = pid < 0 ? (int)-pid : 0;
  cgroup_give_back(spawn->group, place);
  errno = error;
  return pid < 0 ? -1 : (pid_t)pid;
}

/* In our memory, on a stack of its own. */
static pid_t clone_here(struct spawn *spawn) {
  spawn->born_inside = false;
  return clone(become_the_worker, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, spawn);
}

pid_t spawn_process(struct spawn *spawn) {
  *failure = (struct failure){0, 0};
  pid_t pid = clone_into_group(spawn);
  if (pid < 0) pid = clone_here(spawn);
  spawn->stage = pid < 0 ? STAGE_FORK : failure->stage;
  spawn->error = pid < 0 ? errno : failure->error;
  if (spawn->error == 0) return pid;
  while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR) continue;
  return -1;
}

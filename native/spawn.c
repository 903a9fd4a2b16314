#define _GNU_SOURCE
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
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

static char stack[64 * 1024] __attribute__((aligned(64)));
static struct rlimit own_files;
static pid_t own_pid;

void spawn_init(void) {
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

static int fail(struct spawn *spawn, enum stage stage, int error) {
  spawn->stage = stage;
  spawn->error = error;
  _exit(127);
}

/* As execvp does: a script without a first line that names its interpreter is one for sh. */
static void execute(const struct request *request) {
  execve(request->path, request->argv, request->envp);
  if (errno != ENOEXEC) return;
  char **shell = request->argv - 1; /* The parser left room for it. */
  shell[0] = (char[]){"sh"};
  shell[1] = request->path;
  execve("/bin/sh", shell, request->envp);
  errno = ENOEXEC;
}

/* Runs in the memory of the server, which stands still until the exec. */
static int become_the_worker(void *argument) {
  struct spawn *spawn = argument;
  const struct request *request = spawn->request;
  sigset_t none;
  int fault;
  if (setsid() < 0) return fail(spawn, STAGE_SESSION, errno);
  if (spawn->group != NULL && (fault = cgroup_join(spawn->group)) != 0) return fail(spawn, STAGE_CGROUP, fault);
  offer_to_the_oom_killer(); /* It opens a file, and the worker may have a lower limit than we have open. */
  if ((fault = limit(&request->limits, spawn->slot)) != 0) return fail(spawn, STAGE_RLIMIT, fault);
  if (chdir(request->cwd) != 0) return fail(spawn, STAGE_CWD, errno);
  if ((fault = connect_streams(spawn->streams)) != 0) return fail(spawn, STAGE_PIPE, fault);
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return fail(spawn, STAGE_SESSION, errno);
  if (getppid() != own_pid) return fail(spawn, STAGE_SESSION, ESRCH);
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  execute(request);
  return fail(spawn, STAGE_EXEC, errno);
}

pid_t spawn_process(struct spawn *spawn) {
  spawn->error = 0;
  pid_t pid = clone(become_the_worker, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, spawn);
  if (pid < 0) {
    spawn->stage = STAGE_FORK;
    spawn->error = errno;
    return -1;
  }
  if (spawn->error == 0) return pid;
  while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) continue;
  return -1;
}

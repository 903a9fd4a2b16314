#!/bin/sh
# The first process of the machine that scripts/vm.mjs starts. Runs each test of /vm/tests as each of $roles, and says
# on the console, in lines that begin with $PAGENT_VM_MARK, what began and how it ended.
PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin
export PATH

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
ln -s /proc/self/fd /dev/fd
ln -s /proc/self/fd/0 /dev/stdin
ln -s /proc/self/fd/1 /dev/stdout
ln -s /proc/self/fd/2 /dev/stderr
chmod 1777 /tmp
ip link set lo up
mount -t cgroup2 cgroup2 /sys/fs/cgroup

. /vm/settings
cd "$root" || poweroff -f

# As systemd lays it out: the groups above belong to root, and have nothing in them that would keep them from passing
# their controllers on; the lowest is the user's, with the three files that make it one to divide further.
delegate() {
  path=/sys/fs/cgroup
  for part in user.slice user-1000.slice "test-$1.scope"; do
    echo '+cpu +memory +pids' > "$path/cgroup.subtree_control"
    path=$path/$part
    mkdir -p "$path"
  done
  chown user:user "$path" "$path/cgroup.procs" "$path/cgroup.subtree_control" "$path/cgroup.threads"
  echo "$path"
}

as_root() {
  PAGENT_VM=root HOME=/root sh "/vm/tests/$1"
}

# One group for each test file, in which its process is alone: what has company cannot divide its group.
as_user() {
  group=$(delegate "$1")
  PAGENT_VM=user sh -c 'echo $$ > "$1/cgroup.procs" && exec su user -s /bin/sh -c "exec sh /vm/tests/$2"' - "$group" "$1"
}

for role in $roles; do
  for index in $(ls /vm/tests | sort -n); do
    echo "$PAGENT_VM_MARK begin $role $index"
    "as_$role" "$index" < /dev/null
    code=$?
    echo "$PAGENT_VM_MARK end $code"
    # Whatever it has left behind, before the next one begins.
    kill -KILL -1
  done
done
echo "$PAGENT_VM_MARK done"
poweroff -f

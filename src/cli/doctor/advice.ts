import type { Diagnosis } from './examine.ts'

/** Fewer workers than this are soon reached. */
const FEW = 1000

/** What to do to get more out of this machine, the most important first. */
export function adviceFor(facts: Omit<Diagnosis, 'advice'>): string[] {
  return [...launcherAdvice(facts), ...cgroupAdvice(facts), ...filesAdvice(facts)]
}

function launcherAdvice({ launcher, launchers }: Omit<Diagnosis, 'advice'>): string[] {
  const { works } = launchers['fork-server']
  if (launcher.name === 'portable' && works) return ['unset PAGENT_LAUNCHER: the fork server works here']
  if (works) return []
  if (launcher.name === 'fork-server')
    return [
      launchers.portable.works
        ? 'set PAGENT_LAUNCHER=portable: that launcher works here'
        : 'neither launcher works here',
    ]
  if (process.platform !== 'linux') return ['the fork server, which enforces every limit, needs Linux']
  if (process.env['PAGENT_FORK_SERVER'] !== undefined) return ['unset PAGENT_FORK_SERVER, or correct it']
  return ['build the fork server, which enforces every limit: npm run build, in a clone, with a C compiler']
}

function cgroupAdvice({ launchers, limits, cgroups }: Omit<Diagnosis, 'advice'>): string[] {
  const isComplete = limits.every((row) => row['fork-server']?.exact === true)
  if (!launchers['fork-server'].works || isComplete) return []
  if (process.env['PAGENT_CGROUPS'] === 'off') return ['unset PAGENT_CGROUPS: control groups were not looked for']
  return [...cgroups.reasons, 'in a container, whoever starts it must let it write to its own part of /sys/fs/cgroup']
}

function filesAdvice({ launcher, openFiles }: Omit<Diagnosis, 'advice'>): string[] {
  const workers = openFiles.workers[launcher.name]
  if (workers === null || workers >= FEW) return []
  return ['raise the hard limit of open files for more workers: ulimit -Hn, or LimitNOFILE= in a systemd unit']
}

import { sleep, systemClock } from '../../../base/clock.ts'
import { formatMillis } from '../../../base/units.ts'
import { type Act, claim } from '../act.ts'
import { CAN_LOOK } from '../tally.ts'

/** A child, and one that left the session where the system has the means; then their pids. */
const FAMILY = `
sleep 1000 & children=$!
if command -v setsid >/dev/null; then setsid sleep 1000 & children="$children $!"; fi
echo $$ $children
wait`

export const orphans: Act = {
  title: 'Nothing outlives the master',
  promise: 'However it ends, kill -9 too: its workers go with it, and so does what they have started.',
  async run(stage) {
    const master = await stage.pagent('a master', ['run', '--', 'sh', '-c', FAMILY])
    const family = ((await stage.hear(master)) ?? '').split(' ').map(Number)
    claim(family.length > 1 && family.every((pid) => pid > 1), 'the family says who they are')
    for (const pid of family) stage.tally.remember(pid)
    const { exited } = master
    const killed = systemClock.now()
    master.kill('SIGKILL')
    const exit = await exited
    claim(exit.kind === 'signaled', `its end is signaled, not ${exit.kind}`)
    if (!CAN_LOOK) return ['a master was killed with -9; this system has no /proc to look for its family in']
    const left = (): number[] => stage.tally.left().filter((pid) => family.includes(pid))
    while (left().length > 0) await sleep(systemClock, 5)
    return [
      `a master was killed with -9; its ${family.length} processes were gone ${formatMillis(systemClock.now() - killed)} later`,
    ]
  },
}

import { type ChildProcess, spawn } from 'node:child_process'
import type { Writable } from 'node:stream'
import { systemClock } from '../../base/clock.ts'
import { SpawnError } from '../../base/errors.ts'

/**
 * A few lines of POSIX sh that outlive this process by some milliseconds.
 *
 * It holds the read end of a pipe, is told of every process group (`+ group`, `- group`), and when the pipe ends,
 * which `kill -9` cannot prevent, kills what is left: first the groups, then whoever carries the marker in its
 * environment, which finds those that left their group. A forked child holds the pipe until it has exec'd, so at its
 * end every child carries the marker. Lives in a session of its own and ignores the signals a terminal sends.
 *
 * `kill -KILL -- -1` and `kill -s KILL -1` fail in dash; only this form works in dash, bash and busybox.
 */
const SCRIPT = `trap '' HUP INT TERM QUIT PIPE
groups=" "
while read -r op group; do case $op in
  +) groups="$groups$group ";;
  -) case $groups in *" $group "*) groups="\${groups%% $group *} \${groups#* $group }";; esac;;
esac; done
for group in $groups; do kill -KILL "-$group"; done 2>/dev/null
for round in 1 2 3 4 5; do
  found=
  for file in $(grep -lzs -- "^PAGENT_MASTER=$1\\$" /proc/[0-9]*/environ 2>/dev/null); do
    pid=\${file#/proc/}; pid=\${pid%/environ}
    [ "$pid" = $$ ] || found="$found $pid"
  done
  [ -n "$found" ] || break
  kill -KILL $found 2>/dev/null
done
rm -f "$2"/* 2>/dev/null; rmdir "$2" 2>/dev/null`

/** The environment variable by which a descendant is recognised. */
export const MARKER = 'PAGENT_MASTER'

/** A keeper that lived no longer is replaced after a pause, in milliseconds. */
const SHORT_LIFE = 50
const RETRY = 1000

/** Ends every process group it knows when this process ends in whatever way. */
export class Keeper {
  readonly #marker: string
  readonly #folder: string
  readonly #groups = new Set<number>()
  #process: ChildProcess | undefined
  #bornAt = 0
  #gone: Promise<void> = Promise.resolve()

  /** `folder` is removed with the rest. */
  constructor(marker: string, folder: string) {
    this.#marker = marker
    this.#folder = folder
  }

  /** Starts it if it is not there, or no longer. */
  ensure(worker: string, file: string): void {
    if (this.#process !== undefined) return
    const keeper = spawn('/bin/sh', ['-c', SCRIPT, 'pagent-keeper', this.#marker, this.#folder], {
      cwd: '/',
      // Not the marker of a master above us: it would kill this keeper before its work is done.
      env: { PATH: `${process.env['PATH'] ?? ''}:/usr/bin:/bin` },
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    keeper.on('error', () => {})
    // Without file descriptors there is not even a stdin.
    if (keeper.pid === undefined) {
      throw new SpawnError(worker, file, 'keeper', 'its keeper, a /bin/sh, could not be started', { errno: 'EAGAIN' })
    }
    keeper.stdin.on('error', () => {})
    this.#adopt(keeper, keeper.stdin)
  }

  /** To be called in the same breath as the start of the group's leader. */
  add(group: number): void {
    this.#groups.add(group)
    this.#tell(`+ ${group}\n`)
  }

  remove(group: number): void {
    if (this.#groups.delete(group)) this.#tell(`- ${group}\n`)
  }

  get pid(): number | undefined {
    return this.#process?.pid
  }

  /** Lets it do its work and waits for its end. */
  async close(): Promise<void> {
    this.#groups.clear()
    const keeper = this.#process
    this.#process = undefined
    keeper?.ref()
    keeper?.stdin?.end()
    await this.#gone
  }

  #adopt(keeper: ChildProcess, stdin: Writable & { unref?(): void }): void {
    this.#process = keeper
    this.#bornAt = systemClock.now()
    this.#gone = new Promise((resolve) => {
      keeper.on('exit', () => {
        resolve()
        this.#replace(keeper)
      })
    })
    // It must not keep this process alive; the end of the process is what it waits for.
    keeper.unref()
    stdin.unref?.()
    for (const group of this.#groups) this.#tell(`+ ${group}\n`)
  }

  /** Somebody killed it: without one, a crash of this process would leave orphans. One that cannot live is not pressed. */
  #replace(ended: ChildProcess): void {
    if (this.#process !== ended) return
    this.#process = undefined
    this.#revive(systemClock.now() - this.#bornAt > SHORT_LIFE ? 0 : RETRY)
  }

  /** Never throws: nobody could catch it. */
  #revive(after: number): void {
    systemClock.after(after, () => {
      if (this.#process !== undefined || this.#groups.size === 0) return
      try {
        this.ensure('keeper', '/bin/sh')
      } catch {
        this.#revive(RETRY)
      }
    })
  }

  #tell(line: string): void {
    this.#process?.stdin?.write(line)
  }
}

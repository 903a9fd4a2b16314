import assert from 'node:assert/strict'
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import {
  type ChildState,
  type Exit,
  type Intensity,
  type Master,
  type MasterEvent,
  type Supervisor,
  type Worker,
  type WorkerSpec,
  worker,
} from '../../../src/index.ts'
import { eventually, isAlive } from '../../support/processes.ts'
import { fixture, story } from '../../support/story.ts'

/** Restarts follow at once. */
export const FAST = { min: 1, max: 2 }

/** A budget that no wait can refill. */
export function upTo(restarts: number): Intensity {
  return { restarts, within: '1h' }
}

/** How the suite ends a child: in order, as its supervisor would, by a crash, by SIGKILL. */
export type How = 'normal' | 'shutdown' | 'abnormal' | 'kill'

/** What a case has at hand. */
export interface Stage {
  readonly master: Master
  readonly events: Journal
  /** Lives until it is told to end: see `end`. It writes down its starts and its ends. */
  child(id: string, spec?: WorkerSpec, codeAtEof?: number): Worker
  /** Leaves only when it is let: see `release`. It ignores SIGTERM. */
  reluctant(id: string, spec?: WorkerSpec): Worker
  /** From now on the child exits with that code whenever it is started, or hangs then. */
  refuse(id: string, code?: number | 'hang', often?: 'once' | 'always'): Promise<void>
  accept(id: string): Promise<void>
  /** Lets a reluctant child go, which has been asked to. */
  release(child: Worker): Promise<void>
  /** What the children have written down, as in `start child1`. */
  log(): Promise<readonly string[]>
}

/** One case of OTP's supervisor_SUITE over real processes; nothing is left when it ends. */
export function otp(title: string, tell: (stage: Stage) => Promise<void>): void {
  story(title, async (master) => {
    const folder = await mkdtemp(join(tmpdir(), 'pagent-otp-'))
    try {
      await tell(new Folder(master, folder))
    } finally {
      await master.stop()
      await rm(folder, { recursive: true })
    }
  })
}

class Folder implements Stage {
  readonly master: Master
  readonly events: Journal
  readonly #folder: string

  constructor(master: Master, folder: string) {
    this.master = master
    this.events = new Journal(master)
    this.#folder = folder
  }

  child(id: string, spec: WorkerSpec = {}, codeAtEof = 0): Worker {
    const args = [id, this.#folder, String(codeAtEof)]
    return worker(id, fixture('ends-as-told.sh'), args, { ready: /^up/, backoff: FAST, ...spec })
  }

  reluctant(id: string, spec: WorkerSpec = {}): Worker {
    const args = [id, this.#folder]
    const shutdown = { eof: '1h' }
    return worker(id, fixture('leaves-only-when-let.sh'), args, { ready: /^up/, backoff: FAST, shutdown, ...spec })
  }

  async refuse(id: string, code: number | 'hang' = 1, often: 'once' | 'always' = 'always'): Promise<void> {
    await writeFile(this.#path(`${id}.refuses`), `${code} ${often}\n`)
  }

  async accept(id: string): Promise<void> {
    await rm(this.#path(`${id}.refuses`))
  }

  async release(child: Worker): Promise<void> {
    const { exited } = child
    // Opened for both, it waits for no reader.
    const gate = await open(this.#path(`${child.id}.gate`), 'r+')
    await gate.write('go\n')
    await exited
    await gate.close()
  }

  async log(): Promise<readonly string[]> {
    const text = await readFile(this.#path('log'), 'utf8').catch(() => '')
    return text.split('\n').slice(0, -1)
  }

  #path(name: string): string {
    return join(this.#folder, name)
  }
}

/** Ends one life of a child, and waits until its process is gone. */
export async function end(child: Worker, how: How): Promise<Exit> {
  const { exited, pid } = child
  assert.ok(pid !== undefined && isAlive(pid), `${child.id} is not up`)
  if (how === 'kill') child.kill()
  else if (how === 'shutdown') void child.stop()
  else await child.send(how === 'normal' ? 'stop' : 'die')
  const exit = await exited
  assertGone(pid)
  return exit
}

/** The process of a child that is up. */
export function pidOf(child: Worker): number {
  const { pid } = child
  assert.ok(pid !== undefined && isAlive(pid), `${child.id} is not up`)
  return pid
}

/** Who has a process. */
export function up(master: Master): readonly string[] {
  const living = [...master.workers()].filter(({ pid }) => pid !== undefined && isAlive(pid))
  return living.map(({ id }) => id)
}

export function assertGone(...pids: readonly number[]): void {
  for (const pid of pids) assert.ok(!isAlive(pid), `process ${pid} is still there`)
}

/** OTP's `get_child_counts`: specs, active, supervisors, workers. */
export function counts(supervisor: Supervisor): readonly number[] {
  const { specs, active, supervisors, workers } = supervisor.count()
  return [specs, active, supervisors, workers]
}

/** Who there is and how it is, in the order of their start: OTP's `which_children`. */
export function which(supervisor: Supervisor): readonly (readonly [id: string, state: ChildState])[] {
  return supervisor.children().map(({ id, state }) => [id, state] as const)
}

/** Long for a machine, short for who waits for a test. */
const PATIENCE = 15_000

type Wanted = Readonly<Record<string, unknown>> & { readonly type: MasterEvent['type'] }

/** Everything that happens below a master, in order, and who waits for it. */
export class Journal {
  readonly seen: MasterEvent[] = []
  readonly #waiting = new Set<() => void>()

  constructor(master: Master) {
    void this.#follow(master.events[Symbol.asyncIterator]())
  }

  /** What has happened of that kind. */
  all(wanted: Wanted): readonly any[] {
    const keys = Object.entries(wanted)
    return this.seen.filter((event: any) => keys.every(([key, value]) => isDeepStrictEqual(event[key], value)))
  }

  /** The nth event that is like that. */
  until(wanted: Wanted, nth = 1): Promise<any> {
    return new Promise((resolve, reject) => {
      const giveUp = setTimeout(() => {
        this.#waiting.delete(look)
        const text = this.seen.map((event) => `  ${JSON.stringify(event)}`).join('\n')
        reject(new Error(`this did not happen ${nth} times: ${JSON.stringify(wanted)}; but this did:\n${text}`))
      }, PATIENCE)
      const look = (): void => {
        const found = this.all(wanted)[nth - 1]
        if (found === undefined) return
        this.#waiting.delete(look)
        clearTimeout(giveUp)
        resolve(found)
      }
      this.#waiting.add(look)
      look()
    })
  }

  /** The nth readiness of a child. */
  started(child: string, nth: number): Promise<any> {
    return this.until({ type: 'child-started', child }, nth)
  }

  /** The nth end of a child, and what follows from it. */
  async ended(child: string, nth = 1): Promise<{ readonly exit: Exit; readonly next: string }> {
    return this.until({ type: 'child-exited', child }, nth)
  }

  /** The end of a supervisor, by its path. */
  async over(supervisor: string): Promise<Exit> {
    const { exit } = await this.until({ type: 'supervisor-exited', supervisor })
    return exit
  }

  async #follow(events: AsyncIterator<MasterEvent>): Promise<void> {
    for (let next = await events.next(); next.done !== true; next = await events.next()) {
      this.seen.push(next.value)
      for (const look of this.#waiting) look()
    }
  }
}

let collector: (() => void) | undefined

/** Lets go of everything that nobody holds. */
export function collect(): void {
  if (collector === undefined) {
    setFlagsFromString('--expose-gc')
    collector = runInNewContext('gc') as () => void
  }
  collector()
}

/** Waits until nobody holds it any longer. */
export async function untilCollected(held: WeakRef<object>): Promise<void> {
  const isGone = (): boolean => {
    collect()
    return held.deref() === undefined
  }
  await eventually(isGone, 1000, () => `it is still held: ${(held.deref() as Worker | undefined)?.id}`)
}

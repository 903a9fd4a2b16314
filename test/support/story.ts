import { execFile } from 'node:child_process'
import { setImmediate as turn } from 'node:timers/promises'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Master, type MasterOptions } from '../../src/index.ts'
import { assertNothingLeft, holdings } from './processes.ts'

/** A test over real processes: gets a master, and ends by asserting that nothing is left of it. */
export function story(title: string, tell: (master: Master) => Promise<void>, options: MasterOptions = {}): void {
  void test(title, async () => {
    const before = holdings()
    const master = new Master(options)
    try {
      await tell(master)
    } finally {
      await master.stop()
    }
    await turn()
    await assertNothingLeft(before)
  })
}

/** The path of a fixture: a small program named for what it does wrong. */
export function fixture(name: string): string {
  return fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url))
}

/** The lines that a fixture says which may open 60 files. */
export async function saysWithFewFiles(name: string): Promise<string[]> {
  const script = `ulimit -n 60; exec "$0" --disable-warning=ExperimentalWarning "$1"`
  const { stdout } = await promisify(execFile)('sh', ['-c', script, process.execPath, fixture(name)])
  return stdout.trim().split('\n')
}

/** Collects what happens to a master's workers, and waits for an event of a kind. */
export function watch(master: Master): {
  readonly seen: MasterEventLike[]
  until(type: string, worker?: string): Promise<any>
  /** The first event, past or to come, for which that is true. */
  untilOne(match: (event: MasterEventLike) => boolean): Promise<any>
} {
  const seen: MasterEventLike[] = []
  const waiting: { match: (event: MasterEventLike) => boolean; resolve: (event: MasterEventLike) => void }[] = []
  const events = master.events[Symbol.asyncIterator]()
  const follow = async (): Promise<void> => {
    for (let next = await events.next(); next.done !== true; next = await events.next()) {
      const event = next.value as MasterEventLike
      seen.push(event)
      for (const waiter of waiting) if (waiter.match(event)) waiter.resolve(event)
    }
  }
  void follow()
  const untilOne = (match: (event: MasterEventLike) => boolean): Promise<any> =>
    new Promise((resolve) => {
      const already = seen.find(match)
      if (already === undefined) waiting.push({ match, resolve })
      else resolve(already)
    })
  return { seen, until: (type, worker) => untilOne(matcher(type, worker)), untilOne }
}

function matcher(type: string, worker: string | undefined): (event: MasterEventLike) => boolean {
  return (event) => event.type === type && (worker === undefined || event.worker === worker)
}

export interface MasterEventLike {
  readonly type: string
  readonly worker?: string
  readonly [key: string]: any
}

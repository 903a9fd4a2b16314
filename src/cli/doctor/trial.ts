import { type Clock, systemClock } from '../../base/clock.ts'
import { formatMillis } from '../../base/units.ts'
import { Master } from '../../master/master.ts'
import type { Launcher } from '../../process/launcher.ts'
import type { Abilities, Limits } from '../../process/limits.ts'

/** A launcher that takes longer is broken; one that has done its work may take so long to close, in milliseconds. */
const PATIENCE = 10_000
const LAST_PATIENCE = 3000

/** How a launcher fared. */
export interface Trial {
  readonly works: boolean
  /** Why it does not. */
  readonly error?: string
  /** Milliseconds until its first worker was started. */
  readonly startTime?: number
  readonly abilities?: Abilities
  /** It gave no answer, and may never end. */
  readonly stuck: boolean
}

/** Modest limits: whoever cannot even set them cannot enforce them. */
const MODEST: Limits = {
  memory: '1GiB',
  cpuTime: '1h',
  cpus: 1,
  wallTime: '1h',
  idle: '1h',
  output: '1GiB',
  processes: 1000,
  openFiles: 64,
  fileSize: '1GiB',
}

/** Starts a worker with every limit the launcher claims to enforce. Never rejects, and always ends. */
export async function tryOut(launcher: Launcher, clock: Clock = systemClock): Promise<Trial> {
  const master = new Master({ launcher })
  let abilities: Abilities | undefined
  const work = async (): Promise<number> => {
    abilities = await launcher.abilities()
    return await startOne(master, abilities, clock)
  }
  const outcome = await inTime(work(), PATIENCE, clock)
  const end = await inTime(
    master.stop().then(() => launcher.close()),
    LAST_PATIENCE,
    clock,
  )
  const known = abilities === undefined ? {} : { abilities }
  const stuck = outcome === LATE || end === LATE
  if (outcome === LATE)
    return { works: false, error: `it gave no answer within ${formatMillis(PATIENCE)}`, stuck, ...known }
  if (outcome instanceof Error) return { works: false, error: outcome.message, stuck, ...known }
  return { works: true, startTime: outcome, stuck, ...known }
}

/** Milliseconds until it was started. */
async function startOne(master: Master, { limits }: Abilities, clock: Clock): Promise<number> {
  const chosen = Object.fromEntries(Object.entries(MODEST).filter(([name]) => name in limits)) as Limits
  const began = clock.now()
  const worker = await master.getWorker('trial').start('sh', ['-c', 'echo up'], { limits: chosen })
  const startTime = clock.now() - began
  const line = await worker.receive()
  const exit = await worker.exited
  if (line !== 'up' || exit.kind !== 'normal')
    throw new Error(`its trial worker (sh -c 'echo up') wrote ${JSON.stringify(line)} and ended as ${exit.kind}`)
  return startTime
}

const LATE = Symbol('late')

/** What it resolves or rejects with, or `LATE`. */
async function inTime<T>(work: Promise<T>, ms: number, clock: Clock): Promise<T | Error | typeof LATE> {
  const late = Promise.withResolvers<typeof LATE>()
  const timer = clock.after(ms, () => late.resolve(LATE))
  try {
    return await Promise.race([work, late.promise])
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  } finally {
    timer.cancel()
  }
}

import { realpathSync } from 'node:fs'
import { sleep, systemClock } from '../../base/clock.ts'
import { connectTo } from '../../control/client/client.ts'
import type { ControlClient } from '../../control/client/contract.ts'
import { ConfigError } from '../../control/config/config-error.ts'
import { findConfig } from '../../control/config/find.ts'
import { nearestOf } from '../../control/config/shapes/suggest.ts'
import { type FoundFleet, listFleets } from '../../control/state/find.ts'
import { checkFleetName } from '../../control/state/folders.ts'
import { isServed } from '../../control/state/knock.ts'
import { NO_MASTER, WRONG_USAGE } from '../exit-code.ts'
import type { FleetOptions } from './choice.ts'
import { CommandFailure } from './failure.ts'

/** How long a fleet that does not answer yet, or no more, is waited for, and how often it is looked for, in milliseconds. */
const PATIENCE = 10_000
const EVERY = 50

/** A fleet that runs, and a client of it. */
export interface Reached {
  readonly fleet: string
  readonly client: ControlClient
}

/**
 * The fleet that is meant: the one named; or that of the file named, or of the configuration in this folder; or the only one that
 * runs. No configuration is read for that, so a broken one is no reason to reach nobody.
 *
 * @throws CommandFailure
 */
export async function reach(options: FleetOptions): Promise<Reached> {
  const fleet = await find(options)
  await untilServed(fleet)
  return { fleet: fleet.name, client: connectTo(fleet.socketPath) }
}

interface WaitOptions {
  /** In milliseconds. */
  readonly patience?: number
  /** It is not there yet, or no more. */
  readonly onWait?: () => void
}

/**
 * One that has just been started has its name before it has its socket; one that ends, the other way round. False once it has
 * ended.
 *
 * @throws CommandFailure when it goes on and nobody answers for it.
 */
export async function untilServed(fleet: FoundFleet, options: WaitOptions = {}): Promise<boolean> {
  const { patience = PATIENCE, onWait } = options
  const began = systemClock.now()
  for (let tries = 0; (await isServed(fleet.socketPath)) !== 'served'; tries++) {
    if (!(await isRunning(fleet))) return false
    if (systemClock.now() - began >= patience) throw silent(fleet)
    if (tries === 0) onWait?.()
    await sleep(systemClock, EVERY)
  }
  return true
}

/** Resolves when its name is free. */
export async function untilEnded(fleet: Pick<FoundFleet, 'name' | 'pid'>): Promise<void> {
  while (await isRunning(fleet)) await sleep(systemClock, EVERY)
}

async function isRunning({ name, pid }: Pick<FoundFleet, 'name' | 'pid'>): Promise<boolean> {
  return (await listFleets()).some((fleet) => fleet.name === name && fleet.pid === pid)
}

function silent({ name, pid, socketPath }: FoundFleet): CommandFailure {
  const what = `fleet ${JSON.stringify(name)} runs (pid ${pid}), but nobody answers for it at ${socketPath}`
  return new CommandFailure(`${what}; see what becomes of it by pagent fleets, or end it by kill ${pid}`, NO_MASTER)
}

/** Those that run. */
export function running(): Promise<readonly FoundFleet[]> {
  return listFleets()
}

async function find({ fleet, file }: FleetOptions): Promise<FoundFleet> {
  if (fleet !== undefined) return findNamed(checkFleetName(fleet))
  const config = file === undefined ? configHere() : findConfig(file, process.cwd())
  const fleets = await listFleets()
  const meant = config === undefined ? fleets : fleets.filter((one) => isSameFile(one.file, config))
  const [only] = meant
  if (meant.length > 1) throw new CommandFailure(manyText(meant, config), WRONG_USAGE)
  if (only !== undefined) return only
  const start = file === undefined ? 'pagent up' : `pagent up -f ${file}`
  throw new CommandFailure(
    config === undefined
      ? `no fleet is running, and there is no configuration in this folder; make one by pagent init, or name a fleet by --fleet`
      : `the fleet of ${config} is not running; start it by ${start}${othersText(fleets)}`,
    NO_MASTER,
  )
}

async function findNamed(name: string): Promise<FoundFleet> {
  const fleets = await listFleets()
  const found = fleets.find((fleet) => fleet.name === name)
  if (found !== undefined) return found
  const meant = nearestOf(
    name,
    fleets.map((fleet) => fleet.name),
  )
  const hint = meant === undefined ? '; pagent fleets lists those that are' : `. Did you mean ${meant}?`
  throw new CommandFailure(`fleet ${JSON.stringify(name)} is not running${hint}`, NO_MASTER)
}

/** Undefined where there is none: then the only fleet that runs is meant. */
function configHere(): string | undefined {
  try {
    return findConfig(undefined, process.cwd())
  } catch (error) {
    if (error instanceof ConfigError && error.problems.some(({ message }) => message.startsWith('there is none')))
      return undefined
    throw error
  }
}

function isSameFile(one: string, other: string): boolean {
  return one === other || realPath(one) === realPath(other)
}

function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}

function manyText(fleets: readonly FoundFleet[], config: string | undefined): string {
  const names = fleets.map(({ name }) => name).join(', ')
  return `${fleets.length} fleets are running${config === undefined ? '' : ` from ${config}`}: ${names}; choose one by --fleet`
}

function othersText(fleets: readonly FoundFleet[]): string {
  return fleets.length === 0
    ? ''
    : `. Others are running: ${fleets.map(({ name }) => name).join(', ')}; see pagent fleets`
}

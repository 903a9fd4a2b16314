import { lstat, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Clock, systemClock } from '../../base/clock.ts'
import { PagentError, ControlError } from '../../base/errors.ts'
import { identityOf, startDateOf } from './identity.ts'
import type { FleetPlan } from '../config/fleet-plan.ts'
import { type FoundFleet, foundFleet } from './find.ts'
import { type Environment, makePrivate, socketPathOf, stateFolderOf, stateHome } from './folders.ts'
import { isServed } from './knock.ts'
import { Lock, type Owner } from './lock.ts'
import { type RunRecord, readRunRecord } from './run-record.ts'

/** A place of its own for a fleet, from the moment it is claimed until it is released. */
export interface FleetClaim {
  /** Its state folder: logs, crash reports, `state.json`. */
  readonly folder: string
  /** Where its control API is to be served. */
  readonly socketPath: string
  /** What the fleet before it has left, which was killed. */
  readonly stale?: Leftover
  /** The name is free again. */
  release(): Promise<void>
}

/** What was found of a fleet that did not end in order. */
export interface Leftover {
  readonly pid: number
  /** Milliseconds since 1970. */
  readonly startedAt: number
  readonly file: string
  /** Who ran when that was last written down. */
  readonly workers: RunRecord['workers']
  /** Those of them that still run, which cannot be with the fork server. */
  readonly survivors: RunRecord['workers']
  /** One sentence about it. */
  readonly message: string
}

/** The name of a fleet is taken: it runs already. */
export class FleetRunningError extends PagentError {
  readonly code = 'ERR_PAGENT_FLEET_RUNNING'
  readonly fleet: FoundFleet

  constructor(fleet: FoundFleet, folder: string) {
    const { name, pid } = fleet
    super(
      fleet.folder === folder
        ? `Cannot start fleet "${name}": it runs already (pid ${pid}); stop it by \`pagent down\``
        : `Cannot start fleet "${name}": another of that name runs already (pid ${pid}), from ${fleet.folder}; stop that one, or give this one another name`,
    )
    this.fleet = fleet
  }
}

/**
 * Makes this process the one that runs a fleet of that name, for this user on this machine: two that try at once cannot both.
 *
 * @throws FleetRunningError when somebody runs it already
 * @throws ControlError when its folder cannot be used
 */
export async function claimFleet(
  plan: Pick<FleetPlan, 'name' | 'file' | 'folder'>,
  { env = process.env, clock = systemClock }: { readonly env?: Environment; readonly clock?: Clock } = {},
): Promise<FleetClaim> {
  const { name, file, folder } = plan
  const action = `start fleet "${name}"`
  const stateFolder = stateFolderOf(name, env)
  await makePrivate(stateHome(env), action)
  await makePrivate(stateFolder, action)
  const socketPath = await socketPathOf(name, env)
  await makePrivate(dirname(socketPath), action)
  const facts = { name, file, folder, socketPath, startedAt: clock.date() }
  const taking = await Lock.take(stateFolder, facts).catch((error: unknown) => {
    throw cannotWrite(action, stateFolder, error as NodeJS.ErrnoException)
  })
  if (!taking.taken) throw new FleetRunningError(foundFleet(taking.owner, stateFolder), folder)
  const { lock, before } = taking
  const stale = before === undefined || before.isReleased === true ? undefined : await leftoverOf(before, stateFolder)
  for (const path of new Set([socketPath, before?.socketPath ?? socketPath])) await sweep(path)
  return {
    folder: stateFolder,
    socketPath,
    ...(stale === undefined ? {} : { stale }),
    release: () => lock.release(),
  }
}

/** A socket that nobody listens to any more. What is no socket is somebody else's. */
async function sweep(path: string): Promise<void> {
  const there = await lstat(path).catch(() => undefined)
  if (there?.isSocket() !== true) return
  if ((await isServed(path)) === 'left') await unlink(path).catch(() => {})
}

async function leftoverOf(owner: Owner, folder: string): Promise<Leftover> {
  const record = await readRunRecord(folder)
  const workers = record?.pid === owner.pid ? record.workers : []
  const survivors: { readonly id: string; readonly pid: number }[] = []
  for (const worker of workers) if (await isStillThere(worker.pid, record?.at ?? 0)) survivors.push(worker)
  const { pid, startedAt, file } = owner
  return { pid, startedAt, file, workers, survivors, message: sayWhatIsLeft(owner, workers, survivors) }
}

/** A process of that pid that was there when it was written down; one that came later has only the same number. */
async function isStillThere(pid: number, at: number): Promise<boolean> {
  const identity = await identityOf(pid)
  return identity !== undefined && startDateOf(identity, systemClock.date()) <= at
}

function sayWhatIsLeft({ name, pid }: Owner, workers: Leftover['workers'], survivors: Leftover['workers']): string {
  const ran = workers.length === 1 ? '1 worker' : `${workers.length} workers`
  const left =
    survivors.length === 0
      ? 'nothing of it is left'
      : `some may still run: ${survivors.map((worker) => `${worker.id} (pid ${worker.pid})`).join(', ')}`
  return `found what a fleet left that was killed: "${name}" (pid ${pid}) with ${ran}; ${left}`
}

function cannotWrite(action: string, folder: string, error: NodeJS.ErrnoException): ControlError {
  const why = error.code === 'ENOSPC' ? 'the disk is full; free some space' : error.message
  return new ControlError('ERR_PAGENT_STATE', `Cannot ${action}: ${folder} cannot be written to: ${why}`, {
    cause: error,
  })
}

import { join } from 'node:path'
import { PagentError } from '../../base/errors.ts'
import { connectTo } from '../../control/client/client.ts'
import type { ControlClient } from '../../control/client/contract.ts'
import { loadFleet } from '../../control/config/load.ts'
import type { FleetPlan } from '../../control/config/fleet-plan.ts'
import { FleetRunningError } from '../../control/state/claim.ts'
import { type FoundFleet, listFleets } from '../../control/state/find.ts'
import { checkFleetName, makePrivate, stateFolderOf, stateHome } from '../../control/state/folders.ts'
import { TAKEN } from '../exit-code.ts'
import type { FleetOptions } from '../fleet/choice.ts'
import { explainFailure } from '../fleet/failure.ts'
import { explainUnknown } from '../fleet/names.ts'
import { untilEnded, untilServed } from '../fleet/reach.ts'
import { tell } from '../terminal.ts'
import { selected } from './selection.ts'
import { admitForeignCode } from '../config/foreign-code.ts'

/** What the user asked for. */
export interface UpOptions extends FleetOptions {
  readonly names: readonly string[]
  readonly detach?: boolean
  readonly wait?: boolean
  readonly timeout?: number
  readonly readOnly?: boolean
  readonly prefix: boolean
  readonly timestamps?: boolean
  readonly exitCodeFrom?: string
  /** This is the process that `detach` has started. */
  readonly inBackground?: boolean
}

/** Starts the fleet here or in the background, or changes the one that runs; resolves with the exit code. */
export async function up(options: UpOptions): Promise<number> {
  try {
    admitForeignCode()
    const loaded = await loadFleet(options.file)
    const plan = options.fleet === undefined ? loaded : { ...loaded, name: checkFleetName(options.fleet) }
    return await startOrChange(plan, options)
  } catch (error) {
    return explainFailure(error)
  }
}

/** Whoever is first starts it, and everybody else changes what differs. */
async function startOrChange(plan: FleetPlan, options: UpOptions): Promise<number> {
  for (;;) {
    const running = (await listFleets()).find(({ name }) => name === plan.name)
    const code = running === undefined ? await start(plan, options) : await meet(running, plan, options)
    if (code !== undefined) return code
  }
}

/** Undefined when it has ended instead. */
async function meet(running: FoundFleet, plan: FleetPlan, options: UpOptions): Promise<number | undefined> {
  if (running.folder !== plan.folder) throw new FleetRunningError(running, plan.folder)
  if (options.inBackground === true) return TAKEN
  const isServed = await untilServed(running, { onWait: () => sayWaiting(running, 'is just starting, or ending') })
  return isServed ? change(running, plan, options) : undefined
}

/** Undefined when it has ended instead. */
async function change(running: FoundFleet, plan: FleetPlan, { names }: UpOptions): Promise<number | undefined> {
  const { applyTo, startIn } = await import('./second-up.ts')
  const client = connectTo(running.socketPath)
  try {
    if (names.length > 0) return await startIn(client, plan, names)
    await applyTo(client, plan)
    return 0
  } catch (error) {
    if (!(await isEnding(client))) throw await explainUnknown(error, { client, fleet: plan.name })
    sayWaiting(running, 'is being stopped')
    await untilEnded(running)
    return undefined
  } finally {
    client.close()
  }
}

async function isEnding(client: ControlClient): Promise<boolean> {
  try {
    return (await client.fleet()).isStopping
  } catch (error) {
    return PagentError.is(error) && error.code === 'ERR_PAGENT_NO_MASTER'
  }
}

function sayWaiting({ name, pid }: FoundFleet, what: string): void {
  tell('notice', `fleet ${JSON.stringify(name)} ${what} (pid ${pid}); waiting for it`)
}

/** Undefined when somebody else was faster. */
async function start(plan: FleetPlan, options: UpOptions): Promise<number | undefined> {
  // Names are checked before anything is started.
  const chosen = selected(plan, options.names)
  if (options.exitCodeFrom !== undefined) selected(plan, [options.exitCodeFrom])
  return options.detach === true ? startBehind(plan, options) : startHere(chosen, options)
}

async function startHere(plan: FleetPlan, options: UpOptions): Promise<number | undefined> {
  const { runFleet } = await import('./foreground/run-fleet.ts')
  try {
    return await runFleet(plan, options)
  } catch (error) {
    if (error instanceof FleetRunningError) return undefined
    throw error
  }
}

async function startBehind({ name }: FleetPlan, options: UpOptions): Promise<number | undefined> {
  const { startInBackground } = await import('./background.ts')
  const folder = stateFolderOf(name)
  await makePrivate(stateHome(), `start fleet "${name}"`)
  await makePrivate(folder, `start fleet "${name}"`)
  return startInBackground({ name, outputFile: join(folder, 'up.log'), options })
}

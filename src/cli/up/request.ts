import { join } from 'node:path'
import { connectTo } from '../../control/client/client.ts'
import { loadFleet } from '../../control/config/load.ts'
import type { FleetPlan } from '../../control/config/fleet-plan.ts'
import { FleetRunningError } from '../../control/state/claim.ts'
import { type FoundFleet, listFleets } from '../../control/state/find.ts'
import { checkFleetName, makePrivate, stateFolderOf, stateHome } from '../../control/state/folders.ts'
import type { FleetOptions } from '../fleet/choice.ts'
import { explainFailure } from '../fleet/failure.ts'
import { explainUnknown } from '../fleet/names.ts'
import { selected } from './selection.ts'

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
}

/** Starts the fleet here or in the background, or changes the one that runs; resolves with the exit code. */
export async function up(options: UpOptions): Promise<number> {
  try {
    const loaded = await loadFleet(options.file)
    const plan = options.fleet === undefined ? loaded : { ...loaded, name: checkFleetName(options.fleet) }
    const running = (await listFleets()).find(({ name }) => name === plan.name)
    if (running !== undefined) return await change(running, plan, options)
    // Names are checked before anything is started.
    const chosen = selected(plan, options.names)
    if (options.exitCodeFrom !== undefined) selected(plan, [options.exitCodeFrom])
    return await (options.detach === true ? startBehind(plan, options) : startHere(chosen, options))
  } catch (error) {
    return explainFailure(error)
  }
}

async function change(running: FoundFleet, plan: FleetPlan, { names }: UpOptions): Promise<number> {
  if (running.folder !== plan.folder) throw new FleetRunningError(running, plan.folder)
  const { applyTo, startIn } = await import('./second-up.ts')
  const client = connectTo(running.socketPath)
  try {
    if (names.length > 0) return await startIn(client, plan, names)
    await applyTo(client, plan)
    return 0
  } catch (error) {
    throw await explainUnknown(error, { client, fleet: plan.name })
  } finally {
    client.close()
  }
}

async function startHere(plan: FleetPlan, options: UpOptions): Promise<number> {
  const { runFleet } = await import('./foreground/run-fleet.ts')
  return runFleet(plan, options)
}

async function startBehind({ name }: FleetPlan, options: UpOptions): Promise<number> {
  const { startInBackground } = await import('./background.ts')
  const folder = stateFolderOf(name)
  await makePrivate(stateHome(), `start fleet "${name}"`)
  await makePrivate(folder, `start fleet "${name}"`)
  return startInBackground({ name, outputFile: join(folder, 'up.log'), options })
}

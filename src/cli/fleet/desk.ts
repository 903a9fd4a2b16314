import type { ControlClient } from '../../control/client/contract.ts'
import { type Screen, stdoutScreen } from '../show/screen.ts'
import type { FleetOptions } from './choice.ts'
import { explainFailure } from './failure.ts'
import { explainUnknown } from './names.ts'

/** Where a command works: the fleet it is about, and where it shows what it finds. */
export interface Desk {
  /** The fleet's name. */
  readonly fleet: string
  readonly client: ControlClient
  readonly screen: Screen
}

/** Does something with the fleet that is meant; resolves with the exit code, and tells what went wrong. */
export async function atDesk(options: FleetOptions, work: (desk: Desk) => Promise<number | void>): Promise<number> {
  try {
    const { reach } = await import('./reach.ts')
    const { fleet, client } = await reach(options)
    const desk: Desk = { fleet, client, screen: stdoutScreen() }
    try {
      return (await work(desk)) ?? 0
    } catch (error) {
      throw await explainUnknown(error, desk)
    } finally {
      client.close()
    }
  } catch (error) {
    return explainFailure(error)
  }
}

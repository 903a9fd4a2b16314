import { hasForkServer } from './fork-server/binary.ts'
import { forkServer } from './fork-server/fork-server.ts'
import type { Launcher } from './launcher.ts'
import { portable } from './portable/portable.ts'

/**
 * The fork server where there is one for this system, else the portable launcher. `PAGENT_LAUNCHER`, `fork-server` or
 * `portable`, overrules.
 *
 * @throws TypeError for another value.
 */
export function defaultLauncher(): Launcher {
  const wanted = process.env['PAGENT_LAUNCHER']
  if (wanted === 'portable') return portable()
  if (wanted === 'fork-server') return forkServer()
  if (wanted !== undefined && wanted !== '')
    throw new TypeError(`Cannot use ${JSON.stringify(wanted)} as PAGENT_LAUNCHER: expected fork-server or portable`)
  return hasForkServer() ? forkServer() : portable()
}

import { accessSync, constants } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Where the program is, in a package and in a checkout that was built. */
export function forkServerPath(): string {
  const name = `pagent-fork-server-${process.platform}-${process.arch}`
  return process.env['PAGENT_FORK_SERVER'] ?? fileURLToPath(new URL(`../../../native/bin/${name}`, import.meta.url))
}

/** Whether there is one for this system. */
export function hasForkServer(): boolean {
  try {
    accessSync(forkServerPath(), constants.X_OK)
    return true
  } catch {
    return false
  }
}

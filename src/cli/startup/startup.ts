import { mkdirSync, realpathSync, writeFileSync } from 'node:fs'
import { homedir, userInfo } from 'node:os'
import { dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import type { FleetPlan } from '../../control/config/fleet-plan.ts'
import type { CommandContext } from '../commands.ts'
import { FAILED } from '../exit-code.ts'
import { CommandFailure, explainFailure } from '../fleet/failure.ts'
import { print, tell } from '../terminal.ts'
import { unitFor } from './unit.ts'
import { admitForeignCode } from '../config/foreign-code.ts'

const NOTES = `
The unit tells systemd when all workers are ready, what they do, and every few
seconds that the fleet still answers; systemd starts it again when it does not.
It may have control groups of its own, so that limits hold exactly.

Examples:
  pagent startup                        read it first
  sudo pagent startup --write           for the machine, as the user of sudo
  pagent startup --user --write         for this user, no root needed
`

interface StartupOptions {
  readonly file?: string
  readonly user?: boolean
  readonly write?: boolean
}

/** `pagent startup`: a unit of systemd for the fleet. */
export function startupCommand({ finish }: CommandContext): Command {
  return new Command('startup')
    .description('Prints a systemd unit that runs the fleet of this folder, or installs it.')
    .option('-f, --file <file>', "the fleet's configuration")
    .option('--user', 'a unit of this user')
    .option('--write', 'write it to where systemd looks for it')
    .addHelpText('after', NOTES)
    .action(async (options: StartupOptions) => {
      try {
        await startup(options)
        finish(0)
      } catch (error) {
        finish(explainFailure(error))
      }
    })
}

async function startup({ file, user = false, write = false }: StartupOptions): Promise<void> {
  const { loadFleet } = await import('../../control/config/load.ts')
  const { longestStop } = await import('../up/foreground/longest-stop.ts')
  const { canNotify } = await import('../../process/companions/service-manager.ts')
  admitForeignCode()
  const plan = await loadFleet(file)
  const main = realpathSync(fileURLToPath(new URL(`../main${extname(import.meta.url)}`, import.meta.url)))
  const unit = unitFor(plan, {
    command: [process.execPath, main, 'up', '--file', plan.file],
    user: user ? undefined : ownerOf(),
    longestStop: longestStop(plan.entries),
    canNotify: canNotify(),
  })
  if (write) install(plan, unit, user)
  else print(unit)
}

/** Under sudo the one who has asked for it: a fleet seldom needs root. */
function ownerOf(): string {
  return process.env['SUDO_USER'] ?? userInfo().username
}

function install({ name }: FleetPlan, unit: string, user: boolean): void {
  const path = join(user ? userFolder() : '/etc/systemd/system', `pagent-${name}.service`)
  try {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, unit, { mode: 0o644 })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const hint = code === 'EACCES' || code === 'EPERM' ? '; run it by sudo, or take --user' : ''
    throw new CommandFailure(`cannot write ${path}: ${message}${hint}`, FAILED)
  }
  const systemctl = user ? 'systemctl --user' : 'systemctl'
  tell('notice', `wrote ${path}; now run:\n  ${systemctl} daemon-reload\n  ${systemctl} enable --now pagent-${name}`)
  if (user) tell('notice', `to have it run when nobody is logged in: loginctl enable-linger ${userInfo().username}`)
}

function userFolder(): string {
  return join(process.env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config'), 'systemd/user')
}

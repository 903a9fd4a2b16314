import type { Command } from 'commander'

/** What a command gets. */
export interface CommandContext {
  /** Says how it ended: the exit code. */
  readonly finish: (code: number) => void
  readonly version: string
}

/** A command before it is loaded. Only the one that is meant is: nobody waits for what he does not use. */
export interface CommandEntry {
  readonly name: string
  readonly summary: string
  /** The heading it stands under in the help. */
  readonly group: string
  readonly hidden?: boolean
  readonly load: (context: CommandContext) => Promise<Command>
}

const ONE = 'One program:'
const CONFIGURE = 'A fleet, from one file:'
const TRY = 'Find out:'

/** Every command, in the order of the help. */
export const COMMANDS: readonly CommandEntry[] = [
  entry(ONE, 'run', 'supervise one program in the foreground', async ({ finish }) =>
    (await import('./run.ts')).runCommand(finish),
  ),
  entry(CONFIGURE, 'init', 'write a first configuration, and a worker', async ({ finish }) =>
    (await import('./config/init.ts')).initCommand(finish),
  ),
  entry(CONFIGURE, 'check', 'see what a configuration comes to, or what is wrong with it', async ({ finish }) =>
    (await import('./config/check.ts')).checkCommand(finish),
  ),
  entry(CONFIGURE, 'import', 'translate the configuration of pm2 or a Procfile', async ({ finish }) =>
    (await import('./config/import.ts')).importCommand(finish),
  ),
  entry(TRY, 'demo', 'see what it promises, kept by real programs', async ({ finish }) =>
    (await import('./demo.ts')).demoCommand(finish),
  ),
  entry(TRY, 'doctor', 'see what this machine can enforce', async ({ finish, version }) =>
    (await import('./doctor.ts')).doctorCommand(finish, version),
  ),
]

function entry(group: string, name: string, summary: string, load: CommandEntry['load']): CommandEntry {
  return { name, summary, group, load }
}

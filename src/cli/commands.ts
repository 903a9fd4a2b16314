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
const FLEET = 'A fleet, from one file:'
const SEE = 'What it does:'
const STEER = 'What it shall do:'
const TRY = 'Find out:'

/** Every command, in the order of the help. */
export const COMMANDS: readonly CommandEntry[] = [
  entry(ONE, 'run', 'supervise one program in the foreground', async ({ finish }) =>
    (await import('./run.ts')).runCommand(finish),
  ),
  entry(FLEET, 'init', 'write a first configuration, and a worker', async ({ finish }) =>
    (await import('./config/init.ts')).initCommand(finish),
  ),
  entry(FLEET, 'check', 'see what a configuration comes to, or what is wrong with it', async ({ finish }) =>
    (await import('./config/check.ts')).checkCommand(finish),
  ),
  entry(FLEET, 'import', 'translate the configuration of pm2 or a Procfile', async ({ finish }) =>
    (await import('./config/import.ts')).importCommand(finish),
  ),
  entry(FLEET, 'up', 'start a fleet from its file, or apply what changed', async (context) =>
    (await import('./up/up.ts')).upCommand(context),
  ),
  entry(FLEET, 'down', 'stop all of it', async (context) => (await import('./steer/down.ts')).downCommand(context)),
  entry(FLEET, 'fleets', 'list the fleets that run', async (context) =>
    (await import('./look/fleets.ts')).fleetsCommand(context),
  ),
  entry(FLEET, 'startup', 'start it with the machine, by systemd', async (context) =>
    (await import('./startup/startup.ts')).startupCommand(context),
  ),
  entry(SEE, 'ps', 'list its workers', async (context) => (await import('./look/ps.ts')).psCommand(context)),
  entry(SEE, 'top', 'watch them, and have things done, in this terminal', async (context) =>
    (await import('./top/top.ts')).topCommand(context),
  ),
  entry(SEE, 'status', 'see all that is known of a worker', async (context) =>
    (await import('./look/status.ts')).statusCommand(context),
  ),
  entry(SEE, 'tree', 'see groups, pools and workers as a tree', async (context) =>
    (await import('./look/tree.ts')).treeCommand(context),
  ),
  entry(SEE, 'logs', 'read what workers write', async (context) =>
    (await import('./look/logs.ts')).logsCommand(context),
  ),
  entry(SEE, 'events', 'read what happened', async (context) =>
    (await import('./look/events.ts')).eventsCommand(context),
  ),
  entry(SEE, 'wait', 'wait until workers are ready, or have ended', async (context) =>
    (await import('./steer/wait.ts')).waitCommand(context),
  ),
  ...(['start', 'stop', 'restart'] as const).map((verb) =>
    entry(STEER, verb, `${verb} workers`, async (context) =>
      (await import('./steer/act.ts')).actCommand(verb, context),
    ),
  ),
  entry(STEER, 'signal', 'send a signal to workers', async (context) =>
    (await import('./steer/signal.ts')).signalCommand(context),
  ),
  entry(STEER, 'send', 'write a line to a worker', async (context) =>
    (await import('./steer/send.ts')).sendCommand(context),
  ),
  entry(STEER, 'attach', 'talk with a worker in this terminal', async (context) =>
    (await import('./steer/attach.ts')).attachCommand(context),
  ),
  entry(STEER, 'call', 'call a function of a worker', async (context) =>
    (await import('./steer/call.ts')).callCommand(context),
  ),
  entry(TRY, 'demo', 'see what it promises, kept by real programs', async ({ finish }) =>
    (await import('./demo.ts')).demoCommand(finish),
  ),
  entry(TRY, 'doctor', 'see what this machine can enforce', async ({ finish, version }) =>
    (await import('./doctor.ts')).doctorCommand(finish, version),
  ),
  entry(TRY, 'completion', 'complete commands and names in your shell', async (context) =>
    (await import('./completion/completion.ts')).completionCommand(context),
  ),
  {
    ...entry(TRY, 'complete', '', async (context) =>
      (await import('./completion/complete.ts')).completeCommand(context),
    ),
    hidden: true,
  },
]

function entry(group: string, name: string, summary: string, load: CommandEntry['load']): CommandEntry {
  return { name, summary, group, load }
}

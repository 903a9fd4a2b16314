import { dirname } from 'node:path'
import type { FleetPlan } from '../../control/config/fleet-plan.ts'

/** How long a fleet may say nothing, in seconds. */
const WATCHDOG = 30
/** What a stop takes beyond the time of the workers, in seconds. */
const MARGIN = 10

export interface UnitFacts {
  /** Absolute paths, and arguments. */
  readonly command: readonly string[]
  /** Undefined for a unit of the user's own systemd. */
  readonly user: string | undefined
  /** Milliseconds. */
  readonly longestStop: number
  /** Whether the fleet can say how it is, on this machine. */
  readonly canNotify: boolean
}

/** The unit, as systemd.service(5) has it. */
export function unitFor(plan: FleetPlan, facts: UnitFacts): string {
  const { command, user, longestStop, canNotify } = facts
  const path = `${dirname(command[0] ?? '')}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`
  const lines = [
    '[Unit]',
    `Description=pagent fleet ${escaped(plan.name)}`,
    'After=network-online.target',
    'Wants=network-online.target',
    '',
    '[Service]',
    ...(canNotify
      ? ['Type=notify', '# It speaks through another process of the unit.', 'NotifyAccess=all']
      : ['Type=exec']),
    ...(canNotify ? [`WatchdogSec=${WATCHDOG}s`] : []),
    // A word of a command is a variable where it begins with a dollar.
    `ExecStart=${command.map((text) => quoted(text.replaceAll('$', '$$$$'))).join(' ')}`,
    `WorkingDirectory=${escaped(plan.folder)}`,
    `Environment=${quoted(`PATH=${path}`)}`,
    ...(user === undefined ? [] : [`User=${escaped(user)}`]),
    '# How long workers may take to be ready, the configuration says.',
    'TimeoutStartSec=infinity',
    `TimeoutStopSec=${Math.ceil(longestStop / 1000) + MARGIN}s`,
    '# Only the fleet is asked to stop, and asks its workers in their order.',
    'KillMode=mixed',
    'SuccessExitStatus=143',
    'Restart=on-failure',
    'RestartSec=1s',
    '# Limits of workers are control groups below this one; one worker out of memory is not the end of the fleet.',
    'Delegate=yes',
    'OOMPolicy=continue',
    '',
    '[Install]',
    `WantedBy=${user === undefined ? 'default.target' : 'multi-user.target'}`,
  ]
  return `${lines.join('\n')}\n`
}

/** `%` begins a specifier. */
function escaped(text: string): string {
  return text.replaceAll('%', '%%')
}

function quoted(text: string): string {
  const plain = escaped(text)
  return /^[\w@%+:,./=$-]+$/.test(plain) ? plain : `"${plain.replaceAll(/["\\]/g, String.raw`\$&`)}"`
}

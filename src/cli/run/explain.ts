import { LimitUnsupportedError, SpawnError } from '../../base/errors.ts'
import { type Exit, describeExit } from '../../base/exit.ts'
import { formatMillis } from '../../base/units.ts'
import { endedAt, explainLimit, flagOf } from './limits.ts'
import { type RunRequest, pasteable, shown } from './request.ts'

/**
 * One paragraph on an end that needs one: what ended, why, after how long, and what to do next. Undefined when there
 * is nothing to say: it went well, or did what it was asked.
 */
export function explainEnd(exit: Exit, request: RunRequest): string | undefined {
  const what = `${shown(request)}${exit.pid === undefined ? '' : ` (pid ${exit.pid})`}`
  switch (exit.kind) {
    case 'normal':
      return undefined
    case 'failed':
      return `${what} ${describeExit(exit)}. ${afterFailure(request)}`
    case 'signaled':
      return explainSignal(what, exit, exit.signalCode, request)
    case 'stopped':
      return explainStop(what, exit, request)
    case 'limit':
      return `${what} ${howItEnded(exit)}. ${explainLimit(exit)}`
    case 'unready':
      return explainUnready(what, exit, exit.after, request)
    case 'crashed':
      return explainCrash(what, exit, exit.error)
    case 'unresponsive':
    case 'protocol':
    case 'gave-up':
    case 'lost':
      return `${what} ${describeExit(exit)}.`
  }
}

/** One sentence without the name, in words of the command line. */
export function howItEnded(exit: Exit): string {
  return exit.kind === 'limit' ? endedAt(exit) : describeExit(exit)
}

/** The paragraph for one that was restarted as often as it may be. */
export function explainGivingUp(exits: readonly Exit[], request: RunRequest): string {
  const { restarts, within } = request.intensity
  const last = exits.at(-1)
  return (
    `${shown(request)} ended ${exits.length} times within ${formatMillis(Number(within))}, and --max-restarts allows ${restarts} ${restarts === 1 ? 'restart' : 'restarts'} in that time; ` +
    `it is not started again.${last === undefined ? '' : ` The last time it ${howItEnded(last)}.`} ` +
    (last?.kind === 'normal'
      ? 'If it is meant to end, leave --restart always out; if not, allow more with --max-restarts.'
      : 'Find out why it ends, or allow more with --max-restarts.')
  )
}

function afterFailure(request: RunRequest): string {
  if (request.restart !== 'temporary') return 'It had not come up yet, so it is not started again.'
  const command = pasteable(request, ['--restart', 'on-failure'])
  if (command === undefined) return 'With --restart on-failure it would be started again.'
  return `To have it started again after a failure: ${command}`
}

const SIGNALS: Partial<Record<NodeJS.Signals, string>> = {
  SIGKILL: 'Somebody else sent that, or the system ran out of memory: the kernel log says so (dmesg).',
  SIGSEGV: 'That is a fault inside the program (a wild pointer, a full stack).',
  SIGBUS: 'That is a fault inside the program, or a file it had mapped became shorter.',
  SIGABRT: 'The program aborted by itself; it usually says why on stderr.',
  SIGILL: 'It met an instruction this processor does not know; it may be built for another one.',
  SIGFPE: 'That is a fault inside the program (a division by zero).',
}

function explainSignal(what: string, exit: Exit, signal: NodeJS.Signals, request: RunRequest): string | undefined {
  // `yes | head -1`: its reader has left, which is how pipelines end.
  if (signal === 'SIGPIPE') return undefined
  const why = SIGNALS[signal] ?? 'Somebody else sent that, not pagent.'
  const next = request.restart === 'temporary' ? ' With --restart on-failure it would be started again.' : ''
  return `${what} ${describeExit(exit)}. ${why}${next}`
}

/** We asked, and it went: nothing to explain, unless it had to be killed. */
function explainStop(what: string, exit: Exit & { kind: 'stopped' }, { grace }: RunRequest): string | undefined {
  if (exit.step !== 'SIGKILL') return undefined
  return `${what} did not end when it was asked to, and was killed after ${formatMillis(exit.uptime)} with everything it had started. If it needs longer than ${formatMillis(grace)} to end well, give it more with --grace.`
}

function explainUnready(what: string, exit: Exit, after: number, { ready }: RunRequest): string {
  return (
    `${what} was ended after ${formatMillis(exit.uptime)}: no line of its output matched --ready ${String(ready)} within ${formatMillis(after)}. ` +
    'Correct the expression, or give it longer with --ready-timeout.'
  )
}

function explainCrash(what: string, exit: Exit, error: Error): string {
  if (error instanceof LimitUnsupportedError) return explainRefusal(what, error)
  if (!(error instanceof SpawnError)) return `${what} ${describeExit(exit)}.`
  const why = error.message.replace(/^Cannot start worker ".*?": /, '')
  const hint = error.stage === 'command' && error.errno === 'ENOENT' ? '. Check the spelling, or give its path' : ''
  return `cannot run ${what}: ${why}${hint}.`
}

function explainRefusal(what: string, error: LimitUnsupportedError): string {
  const why = error.message.replace(/^Cannot start worker .*? with the limit \w+: /, '')
  return `cannot run ${what} with ${flagOf(error.limit)}: ${why}. Leave it out, or see what can be enforced here: pagent doctor`
}

import { PagentError } from '../../../base/errors.ts'
import { type Exit, describeExit } from '../../../base/exit.ts'
import { json } from '../../../framing/json.ts'
import type { WorkerSpec } from '../../../worker/spec.ts'
import { type Act, claim } from '../act.ts'
import type { Stage } from '../stage.ts'

type Case = readonly [kind: Exit['kind'], file: string, args: readonly string[], spec?: WorkerSpec<any, any>]

const CASES: readonly Case[] = [
  ['normal', 'sh', ['-c', 'exit 0']],
  ['failed', 'sh', ['-c', 'echo the disk is full >&2; exit 4']],
  ['signaled', 'sh', ['-c', 'kill -KILL $$']],
  ['limit', 'sleep', ['1000'], { limits: { wallTime: '200ms' } }],
  ['unready', 'sleep', ['1000'], { ready: /listening/, readyTimeout: '200ms' }],
  ['protocol', 'echo', ['{"not": json}'], { framing: json() }],
  ['crashed', 'no-such-program', []],
]

export const causes: Act = {
  title: 'Every end has a cause',
  promise: 'One value says why: its own end, a signal, which limit, not ready, a broken protocol, not startable.',
  run: (stage) => Promise.all(CASES.map((one) => end(stage, one))),
}

async function end(stage: Stage, [kind, file, args, spec]: Case): Promise<string> {
  const ended = Promise.withResolvers<Exit>()
  await stage.start(kind, file, args, { ...spec, onExit: ended.resolve }).catch((error: unknown) => {
    // The start has failed, and the exit says why.
    if (!PagentError.is(error)) throw error
  })
  const exit = await ended.promise
  claim(exit.kind === kind, `the end of ${file} is ${kind}, not ${exit.kind}`)
  const text = describeExit(exit).replaceAll(/ \(\/.*?\)/g, '')
  return `${kind}: ${text.length > 100 ? `${text.slice(0, 99)}…` : text}`
}

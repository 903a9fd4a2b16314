import { checkId, checkKeys } from '../base/options.ts'
import type { Child, ChildContext } from './child.ts'

/** How a task is started. */
export interface TaskOptions {
  /** `'call'` when it calls `context.ready()` itself; else it is ready once it has come to its first `await`. @default 'start' */
  readonly ready?: 'start' | 'call'
}

/**
 * An async function as a child. It ends `normal` when it returns, `crashed` when it throws, `stopped` when it returns or
 * throws the signal's reason after `signal` was aborted.
 *
 * ```ts
 * import { once } from 'node:events'
 * import { supervisor, task } from 'pagent'
 * const patient = task('patient', async ({ signal }) => {
 *   console.log('working') // → working
 *   await once(signal, 'abort')
 * })
 * const app = await supervisor({ id: 'app', children: [patient] }).start()
 * console.log((await app.stop()).kind) // → stopped
 * ```
 *
 * @throws TypeError
 */
export function task(id: string, run: (context: ChildContext) => unknown, options: TaskOptions = {}): Child {
  checkId(id, 'task')
  if (typeof run !== 'function') throw new TypeError(`Cannot make task "${id}": expected an async function`)
  checkKeys(options, ['ready'], `Cannot make task "${id}"`)
  const { ready = 'start' } = options
  if (ready !== 'start' && ready !== 'call')
    throw new TypeError(
      `Cannot make task "${id}": ready cannot be ${JSON.stringify(ready)}; expected 'start' or 'call'`,
    )
  const begin = (context: ChildContext): Promise<void> => {
    const running = run(context)
    if (ready === 'start') context.ready('assumed')
    return Promise.resolve(running).then(() => {})
  }
  return { id, run: begin }
}

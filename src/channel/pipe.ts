import { ClosedError } from '../base/errors.ts'
import { shown } from '../base/options.ts'
import { type Channel, receiverOf } from './channel.ts'

/**
 * Moves every message of `from` into `to`, at the pace of the slower one. Resolves when `from` has ended and `to`
 * was ended behind its last message. Rejects when `to` takes no more, or has closed; what was not moved stays in
 * `from`, but for the one message that failed. Rejects when `from` broke; `to` is then left as it is, because its end
 * would look like a good one.
 *
 * ```ts
 * import { channel, pipe } from 'pagent'
 * const a = channel<number>(2)
 * const b = channel<number>(2)
 * await a.send(1)
 * await a.end()
 * await pipe(a, b)
 * console.log(await b.receive(), await b.receive()) // → 1 undefined
 * ```
 *
 * @throws TypeError for what is no channel.
 */
export async function pipe<T>(from: Channel<T, any>, to: Channel<any, T>): Promise<void> {
  checkChannel(from, 'from', 'receive')
  checkChannel(to, 'to', 'send')
  const gone = new AbortController()
  void to.closed.then(() => gone.abort(new ClosedError('Cannot pipe: the destination has closed')))
  const source = receiverOf(from)
  for (;;) {
    const message = await source.receive({ signal: gone.signal })
    if (message === undefined) return to.end()
    await to.send(message)
  }
}

function checkChannel(channel: unknown, way: 'from' | 'to', method: keyof Channel<unknown>): void {
  if (typeof (channel as Partial<Channel<unknown>> | null | undefined)?.[method] === 'function') return
  throw new TypeError(`Cannot pipe ${way} ${shown(channel)}: expected a worker or a channel`)
}

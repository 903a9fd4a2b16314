import type { Channel } from './channel.ts'

/**
 * Moves every message of `from` into `to`, at the pace of the slower one. Resolves when `from` has ended and `to`
 * was ended behind its last message. Rejects when `to` takes no more; what was not moved stays in `from`, but for
 * the one message that failed.
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
 */
export async function pipe<T>(from: Channel<T, any>, to: Channel<any, T>): Promise<void> {
  for await (const message of from) await to.send(message)
  await to.end()
}

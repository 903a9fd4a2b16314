import { systemClock } from '../base/clock.ts'
import { ClosedError, FramingError, type PagentError } from '../base/errors.ts'
import type { StreamChannel } from '../channel/stream-channel.ts'
import { jsonRpc } from '../framing/json-rpc/json-rpc.ts'
import type { Framing } from '../framing/framing.ts'
import { type CallOptions, RpcClient } from '../rpc/client.ts'
import type { Propagate } from '../rpc/messages.ts'
import { Peer } from '../rpc/peer.ts'
import { methodsOf } from '../rpc/serving/api.ts'
import { openStdio } from './stdio.ts'

/** How a program serves. */
export interface ServeOptions {
  /** How its messages are written: the same as in the master. @default jsonRpc() */
  readonly framing?: Framing<any, any> | undefined
  /** Asked at each call of the master for what is to go with it: the context of a trace. @default nothing */
  readonly propagate?: Propagate | undefined
  readonly [READY]?: boolean
}

/** For a host that serves somebody else's functions: says when they can be called. */
export const READY: unique symbol = Symbol('pagent.ready')

let serving: Peer | undefined

/**
 * Makes functions callable by the master: those the object has itself, and no others. Resolves when the master has closed
 * stdin and every call is answered; a program that has nothing else to do ends then.
 *
 * `console.log` and its like, and `process.stdout`, write to stderr from then on, since stdout belongs to the messages; what
 * prints before calls `captureConsole` first.
 *
 * ```ts
 * import { serve } from 'pagent/worker'
 * await serve({
 *   add: (a: number, b: number) => a + b,
 *   async *count(to: number) {
 *     for (let i = 1; i <= to; i++) yield i
 *   },
 * })
 * ```
 *
 * @throws TypeError for what is no object; Error when it is called twice.
 */
export async function serve(api: object, options: ServeOptions = {}): Promise<void> {
  if (serving !== undefined) throw new Error('Cannot serve twice: one process has one stdin')
  methodsOf(api)
  const channel = openStdio<any, any>(options.framing ?? jsonRpc(), { inputEnded: (fault) => fault && complain(fault) })
  const peer = new Peer(channel, {
    who: 'the master',
    clock: systemClock,
    api,
    fault: complain,
    propagate: options.propagate,
  })
  serving = peer
  if (options[READY] === true) await peer.notify('$/ready', [])
  await listen(channel, peer)
}

/** What broke the stream ends the program, too, once what runs is answered. */
function complain(error: PagentError): void {
  console.error(`pagent: ${error.message}`)
  if (error instanceof FramingError) process.exitCode = 1
}

/**
 * Calls functions of the master: those it gave to `worker.rpc({ serve })`. After `serve`.
 *
 * @throws Error before `serve`.
 */
export function master<Api extends object = any>(options: CallOptions = {}): RpcClient<Api> {
  const peer = serving
  if (peer === undefined) throw new Error('Cannot call the master: serve() first')
  return new RpcClient<Api>(peer, options)
}

/** Until stdin has ended, every call is answered, and the answers have left. */
async function listen(channel: StreamChannel<any, any>, peer: Peer): Promise<void> {
  const ended = Promise.withResolvers<void>()
  channel.listen(peer.accept, ended.reject)
  channel.onceDrained(ended.resolve)
  const closed = new ClosedError('Cannot call the master: it has closed stdin')
  try {
    await ended.promise
    peer.hearNoMore(closed)
    await peer.idle
  } finally {
    peer.close(closed)
    await channel.end()
    channel.destroy('it has ended')
  }
}

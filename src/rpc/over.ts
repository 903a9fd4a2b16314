import { systemClock } from '../base/clock.ts'
import { ClosedError } from '../base/errors.ts'
import type { Channel } from '../channel/channel.ts'
import { type CallOptions, type ParamsStyle, RpcClient, readParamsStyle } from './client.ts'
import type { Propagate } from './messages.ts'
import { Peer } from './peer.ts'
import { portOf } from './port.ts'

/** How calls are made over a channel. */
export interface RpcOptions extends CallOptions {
  /** What the other side may call: the functions that this object has itself. @default nothing */
  readonly serve?: object
  /** How arguments travel: `'by-name'` where calls take one object. @default 'by-position' */
  readonly params?: ParamsStyle
  /** Who that is, in errors. @default 'the other side' */
  readonly who?: string
  /** Asked at each call for what is to go with it: the context of a trace. @default nothing */
  readonly propagate?: Propagate
}

/**
 * Calls over any channel, in both directions, by JSON-RPC 2.0: from then on all its messages belong to calls. For a worker
 * there is `worker.rpc()`.
 *
 * ```ts
 * import { memoryChannels, rpc } from 'pagent'
 * const [here, there] = memoryChannels()
 * rpc(there, { serve: { add: (a: number, b: number) => a + b } })
 * console.log(await rpc<{ add(a: number, b: number): number }>(here).call('add', 1, 2)) // → 3
 * ```
 *
 * @throws TypeError, RangeError for options that cannot be.
 */
export function rpc<Api extends object = any>(channel: Channel<any, any>, options: RpcOptions = {}): RpcClient<Api> {
  const { serve: api, params = 'by-position', who = 'the other side', propagate, ...call } = options
  const style = readParamsStyle(params)
  const port = portOf(channel, (message, error) => peer.unsent(message, error))
  const peer: Peer = new Peer(port, { who, clock: systemClock, api, propagate })
  void listen(channel, peer, who)
  return new RpcClient<Api>(peer, call, style)
}

async function listen(channel: Channel<any, any>, peer: Peer, who: string): Promise<void> {
  try {
    for await (const message of channel) await peer.accept(message)
    peer.close(new ClosedError(`Cannot call ${who}: its channel has ended`))
  } catch (error) {
    peer.close(error as Error)
  }
}

import { readWhole } from '../base/options.ts'
import { type Millis, parseMillis } from '../base/units.ts'
import type { Framing } from '../framing/framing.ts'
import { type CallOptions, type ParamsStyle, readParamsStyle } from '../rpc/client.ts'
import type { RpcSettings } from './life/calls.ts'

/** How a worker is called. What is no `CallOptions` counts from the first `rpc()` of a worker on. */
export interface WorkerRpcOptions extends CallOptions {
  /** What the worker may call in turn: the functions that this object has itself. @default nothing */
  readonly serve?: object
  /**
   * How arguments travel: `'by-name'` for programs whose calls take one object, as language servers' do. Of this client
   * alone. @default 'by-position'
   */
  readonly params?: ParamsStyle
  /** Calls that wait for an answer; more reject with `OverloadError`. @default 10,000 */
  readonly maxInFlight?: number
  /**
   * How long a call that was cancelled, or was late, may take to end. Then the worker is ended as `unresponsive`, and its
   * restart policy decides. `Infinity` for programs that cannot cancel. @default '5s'
   */
  readonly cancelGrace?: Millis
}

/** Bytes and lines are no messages with members. */
const SPEECHLESS: ReadonlySet<string> = new Set(['lines', 'raw', 'lengthPrefixed'])

/** @throws TypeError, RangeError */
export function readRpcOptions(
  worker: string,
  framing: Framing<any, any>,
  options: WorkerRpcOptions,
): { readonly call: CallOptions; readonly style: ParamsStyle; readonly settings: RpcSettings } {
  if (SPEECHLESS.has(framing.name))
    throw new TypeError(
      `Cannot call worker "${worker}": its framing is ${framing.name}; start it with { framing: jsonRpc() }`,
    )
  const { serve, params = 'by-position', maxInFlight = 10_000, cancelGrace = 5000, ...call } = options
  return {
    call,
    style: readParamsStyle(params),
    settings: {
      serve,
      maxInFlight: readWhole(maxInFlight, 'maxInFlight', 1),
      cancelGrace: parseMillis(cancelGrace, 'cancelGrace'),
    },
  }
}

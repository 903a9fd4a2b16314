import type { Caller, ReadCallOptions } from './client.ts'
import { show } from './faults.ts'
import type { Params } from './messages.ts'

/** Has another make the calls, each with its one argument as the parameters: the other side knows their names. */
export class ByNameCaller implements Caller {
  readonly #inner: Caller

  constructor(inner: Caller) {
    this.#inner = inner
  }

  async call(method: string, args: readonly unknown[], options: ReadCallOptions, since?: number): Promise<unknown> {
    return this.#inner.call(method, byName(method, args), options, since)
  }

  async notify(method: string, args: readonly unknown[], since?: number): Promise<void> {
    return this.#inner.notify(method, byName(method, args), since)
  }

  stream(method: string, args: readonly unknown[], options: ReadCallOptions, since?: number): AsyncIterable<unknown> {
    return this.#inner.stream(method, byName(method, args), options, since)
  }
}

/** The one argument there may be, and only an object or a list is anything to JSON-RPC. */
function byName(method: string, args: readonly unknown[]): Params {
  const [params] = args
  if (args.length <= 1 && (params === undefined || (typeof params === 'object' && params !== null))) return params
  throw new TypeError(
    `Cannot call ${method} with ${args.length === 1 ? show(params) : `${args.length} arguments`}: by name it takes one object`,
  )
}

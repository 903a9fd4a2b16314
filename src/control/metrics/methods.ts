import type { CallEvent } from '../../base/call-hub.ts'
import { RpcError } from '../../base/errors.ts'
import { CODES } from '../../rpc/messages.ts'

/** So many methods are told apart; each is a series for each outcome and each bucket. */
const MOST = 100
/** No name is longer that somebody has written by hand. */
const LONGEST = 100

/** The names of methods as a label. Anybody can ask for any name: the first hundred that exist count by themselves. */
export class MethodNames {
  readonly #known = new Set<string>()
  readonly #other: string

  /** `other` is what all the others are called. */
  constructor(other: string) {
    this.#other = other
  }

  of({ method, error }: Pick<CallEvent, 'method' | 'error'>): string {
    if (this.#known.has(method)) return method
    if (this.#known.size >= MOST || method.length > LONGEST || isUnknown(error)) return this.#other
    this.#known.add(method)
    return method
  }
}

/** Nobody has a function of that name. */
function isUnknown(error: unknown): boolean {
  return error instanceof RpcError && error.rpcCode === CODES.methodNotFound
}

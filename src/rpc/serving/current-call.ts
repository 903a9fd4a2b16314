import type { Meta } from '../messages.ts'

/** What a function can learn of the call it serves. */
export interface CurrentCall {
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal
  /** Tells the caller's `onProgress`. */
  readonly progress: (value: unknown) => void
  /**
   * What the caller sent with it: `traceparent`, `tracestate` and `baggage` of the trace it belongs to, where the caller
   * propagates. Empty otherwise.
   */
  readonly meta: Meta
}

/** A call that is being served. */
export interface Call extends CurrentCall {
  readonly cancelled: boolean
  cancel(): void
}

/** Makes no signal before somebody asks for it: most calls are over before anybody could cancel them. */
class ServedCall implements Call {
  readonly progress: (value: unknown) => void
  readonly meta: Meta
  #controller: AbortController | undefined
  cancelled = false

  constructor(progress: (value: unknown) => void, meta: Meta) {
    this.progress = progress
    this.meta = meta
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.cancelled) this.#controller.abort()
    return this.#controller.signal
  }

  cancel(): void {
    this.cancelled = true
    this.#controller?.abort()
  }
}

const NO_META: Meta = Object.freeze({})

/** `meta` is whatever came under that name. */
export function callOf(progress: (value: unknown) => void, meta: unknown): Call {
  return new ServedCall(progress, typeof meta === 'object' && meta !== null ? (meta as Meta) : NO_META)
}

let current: Call | undefined

/** The call that is being served, where one is. */
export function callNow(): Call | undefined {
  return current
}

/** Calls a function, which may ask for the call it serves. */
export function during(call: Call, run: (...args: any[]) => unknown, args: readonly unknown[]): unknown {
  const outer = current
  current = call
  try {
    return run(...args)
  } finally {
    current = outer
  }
}

/**
 * The call that is being served: ask before the first `await` of the function, as later another call may be.
 *
 * @throws Error outside of a served function, or after its first `await`.
 */
export function currentCall(): CurrentCall {
  if (current !== undefined) return current
  throw new Error('Cannot tell the current call: use currentCall() in a served function, before its first await')
}

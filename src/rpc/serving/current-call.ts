/** What a function can learn of the call it serves. */
export interface CurrentCall {
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal
  /** Tells the caller's `onProgress`. */
  progress(value: unknown): void
}

/** A call that is being served. */
export interface Call extends CurrentCall {
  readonly cancelled: boolean
  cancel(): void
}

/** Makes no signal before somebody asks for it: most calls are over before anybody could cancel them. */
class ServedCall implements Call {
  readonly progress: (value: unknown) => void
  #controller: AbortController | undefined
  cancelled = false

  constructor(progress: (value: unknown) => void) {
    this.progress = progress
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

export function callOf(progress: (value: unknown) => void): Call {
  return new ServedCall(progress)
}

let current: Call | undefined

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

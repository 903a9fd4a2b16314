import type { Ready } from './spec.ts'

/** Watches one life of a worker for the sign that it can be used. */
export class Readiness {
  readonly reached: Promise<void>
  readonly #ready: Ready
  readonly #resolve: () => void
  readonly #reject: (error: unknown) => void

  constructor(ready: Ready) {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.reached = promise
    this.#ready = ready
    this.#resolve = resolve
    this.#reject = reject
    promise.catch(() => {})
  }

  /** True if messages and lines of stderr have to be shown to it. */
  get watches(): boolean {
    return this.#ready === 'first-message' || this.#ready instanceof RegExp
  }

  message(message: unknown): void {
    if (this.#ready === 'first-message') this.#resolve()
    else if (typeof message === 'string') this.line(message)
  }

  line(line: string): void {
    if (!(this.#ready instanceof RegExp)) return
    // With the flag g or y, test() would begin where it left off.
    this.#ready.lastIndex = 0
    if (this.#ready.test(line)) this.#resolve()
  }

  /** The process exists: starts a probe, which is handed the worker by the caller. */
  probe(run: (probe: (worker: any) => Promise<void>) => Promise<void>): void {
    if (typeof this.#ready === 'function') run(this.#ready).then(this.#resolve, this.#reject)
    else if (this.#ready === 'spawn') this.#resolve()
  }
}

import type { Ready } from '../spec.ts'

/** Watches one life of a worker for the sign that it can be used. */
export class Readiness {
  readonly #ready: Ready
  #waiting: PromiseWithResolvers<void> | undefined

  constructor(ready: Ready) {
    this.#ready = ready
    if (ready === 'spawn') return
    this.#waiting = Promise.withResolvers<void>()
    this.#waiting.promise.catch(() => {})
  }

  /** Rejects when its probe does. */
  get reached(): Promise<void> {
    return this.#waiting?.promise ?? Promise.resolve()
  }

  /** True if messages and lines of stderr have to be shown to it. */
  get watches(): boolean {
    return this.#ready === 'first-message' || this.#ready instanceof RegExp
  }

  message(message: unknown): void {
    if (this.#ready === 'first-message') this.#waiting?.resolve()
    else if (typeof message === 'string') this.line(message)
  }

  line(line: string): void {
    if (!(this.#ready instanceof RegExp)) return
    // With the flag g or y, test() would begin where it left off.
    this.#ready.lastIndex = 0
    if (this.#ready.test(line)) this.#waiting?.resolve()
  }

  /** The process exists: starts a probe, which is handed the worker by the caller. */
  probe(run: (probe: (worker: any) => Promise<void>) => Promise<void>): void {
    const waiting = this.#waiting
    if (typeof this.#ready === 'function' && waiting !== undefined)
      run(this.#ready).then(waiting.resolve, waiting.reject)
  }
}

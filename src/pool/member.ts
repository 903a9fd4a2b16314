import type { Exit } from '../base/exit.ts'
import { CALLER, type Caller } from '../rpc/client.ts'
import type { WorkerCaller } from '../worker/worker-caller.ts'
import type { Worker } from '../worker/worker.ts'

/** When a worker is replaced: after so many calls, and at that time by the clock. */
export interface Terms {
  readonly maxCalls: number
  readonly retireAt: number
}

/** One worker of a pool, for one life. */
export class Member {
  readonly worker: Worker<any, any>
  readonly caller: Caller
  /** Which of the pool's, from 1: the lowest that was free. */
  readonly number: number
  readonly terms: Terms
  readonly #stop = new AbortController()
  readonly #kill = new AbortController()
  isReady = false
  /** Calls it is doing. */
  inFlight = 0
  calls = 0
  /** Calls that were cancelled, and that it has not let go of: it gets no others, which would end with it if it never does. */
  lingering = 0
  /** It does one thing only, for somebody who has leased it. */
  isLeased = false
  /** The calls of so many keys come to it. */
  keys = 0
  /** It gets no more calls, and ends, or will. Asked for each call: a signal would take longer to tell. */
  isLeaving = false
  /** Another will take its place. */
  isRetiring = false
  /** Since then it has nothing to do; by the clock. */
  idleSince = 0

  /** `free`: it has let go of all that was cancelled. */
  constructor(worker: Worker<any, any>, number: number, terms: Terms, free: () => void) {
    this.worker = worker
    this.number = number
    this.terms = terms
    const caller = worker.rpc()[CALLER] as WorkerCaller
    caller.onLingering = (calls) => {
      this.lingering = calls
      if (calls === 0) free()
    }
    this.caller = caller
  }

  /** Its whole life. */
  live(ready: () => void): Promise<Exit> {
    return this.worker.run({ signal: this.#stop.signal, kill: this.#kill.signal, ready })
  }

  /** Somebody has had something of it; one that ends before that might as well not have started. */
  get isProven(): boolean {
    return this.calls > 0 || this.inFlight > 0
  }

  /** It gets no more calls, and ends once it has done those it has. */
  finish(): void {
    this.isLeaving = true
    if (this.inFlight === 0) this.leave()
  }

  leave(): void {
    this.isLeaving = true
    this.#stop.abort()
  }

  /** At once. */
  destroy(): void {
    this.#kill.abort()
    this.leave()
  }
}

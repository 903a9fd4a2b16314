import type { ControlClient } from '../../control/client/contract.ts'

/** Whether the start of a fleet is over: who is idle until then has not had its turn yet. */
export class StartWatch {
  readonly #client: ControlClient
  #isOver = false
  #missing: ReadonlySet<string> = new Set()
  #seq = 0

  constructor(client: ControlClient) {
    this.#client = client
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** The start is over, and this one should run and did not come to it. */
  isMissing(id: string): boolean {
    return this.#isOver && this.#missing.has(id)
  }

  /** Reads what has happened since the last time. */
  async look(): Promise<void> {
    for (const { seq, type, ['missing']: missing } of await this.#client.events(this.#seq)) {
      // So much has happened since that it is not known any more.
      if (this.#seq === 0 && seq > 1) this.#isOver = true
      this.#seq = seq
      if (type === 'applied') this.#isOver = false
      if (type !== 'fleet-ready' && type !== 'fleet-incomplete') continue
      this.#isOver = true
      this.#missing = new Set(type === 'fleet-ready' ? [] : (missing as readonly string[]))
    }
  }
}

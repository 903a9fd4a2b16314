import { Ring } from '../../../base/queues/ring.ts'
import type { EventRecord } from '../../api/wire.ts'
import { plain } from './plain.ts'

/** Events that are remembered. */
const REMEMBERED = 10_000

/** What happened, numbered without a gap. Everything in it is JSON. */
export class Journal {
  readonly #past = new Ring<EventRecord>()
  readonly #listeners = new Set<(event: EventRecord) => void>()
  #seq = 0

  /** `facts` may hold errors and exits. */
  add(facts: { readonly type: string; readonly at: number; readonly [more: string]: unknown }): void {
    const record = { ...(plain(facts) as typeof facts), seq: ++this.#seq } as EventRecord
    this.#past.push(record)
    if (this.#past.length > REMEMBERED) this.#past.shift()
    for (const listener of this.#listeners) listener(record)
  }

  /** Those behind that number that are still known. */
  since(seq: number): readonly EventRecord[] {
    return [...this.#past].filter((event) => event.seq > seq)
  }

  listen(listener: (event: EventRecord) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}

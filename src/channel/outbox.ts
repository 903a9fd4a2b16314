import { ClosedError, OverloadError } from '../base/errors.ts'
import { SLABS_KEPT, Slab, takeSlab } from '../base/queues/slabs.ts'
import { formatBytes } from '../base/units.ts'
import type { ByteSink } from './bytes.ts'

/** What may wait for a reader that does not read, in bytes (for text: characters). */
export const OUTBOX_LIMIT: number = 16 * 2 ** 20
/** And what may wait at most where more is owed to it: whoever keeps to the protocol is owed less. */
export const OWED_LIMIT: number = 4 * OUTBOX_LIMIT

/** With so many bytes on their way, whoever answers waits before it takes the next. */
const PRESSURE = 2 ** 20

/** Small messages of a tick are one write; no write is longer, but for that of a single message. */
const WRITE = 2 ** 18
/** Longer ones are not worth a copy to save a write. */
const LARGE = 2 ** 15

/** What is left of a slab is too little from here on. */
const ROOM = 2 ** 12

type Part = string | Uint8Array | Slab

/** The messages of one tick, on their way. */
interface Batch {
  readonly done: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: Error) => void
  /** Encoded messages; text that follows text is already joined. */
  readonly parts: Part[]
  /** How many parts have been written, and how many are about to be. */
  written: number
  begun: number
  size: number
}

/**
 * Where encoded messages wait for the pipe. All messages of a tick leave in one write, or in few where they are long; while
 * a write is under way the next ones gather, up to a limit.
 */
export class Outbox {
  readonly #sink: ByteSink
  readonly #who: string
  #batch: Batch | undefined
  #writing: Batch | undefined
  #scheduled = false
  #ending: PromiseWithResolvers<void> | undefined
  #closed: { readonly why: string; readonly cause: Error | undefined } | undefined

  /** `who` is named in errors: `worker "a"`. */
  constructor(sink: ByteSink, who: string) {
    this.#sink = sink
    this.#who = who
  }

  /** What is `lent` may change once this call returns. */
  send(frame: string | Uint8Array, lent = false): Promise<void> {
    const refusal = this.#refusal(frame.length)
    return refusal === undefined ? this.#accept(frame, lent).done : handled(Promise.reject(refusal))
  }

  /** The same for somebody who does not wait. What is `owed` has been asked for, and does not count against the limit. */
  post(frame: string | Uint8Array, lent = false, owed = false): void {
    const refusal = owed ? this.#refusal(0, OWED_LIMIT) : this.#refusal(frame.length)
    if (refusal !== undefined) throw refusal
    this.#accept(frame, lent)
  }

  /** Has a message written right where it leaves from; false where that is not to be. */
  postInto<M>(write: (message: M, room: Slab) => boolean, message: M): boolean {
    // In a tick with more outboxes than slabs, new memory for each would cost more than text.
    if (queue.length > SLABS_KEPT || this.#refusal(ROOM) !== undefined) return false
    const last = this.#batch?.parts.at(-1)
    const slab = last instanceof Slab && last.room >= ROOM ? last : takeSlab()
    const before = slab.used
    if (!write(message, slab)) {
      if (slab !== last) slab.free()
      return false
    }
    const batch = (this.#batch ??= newBatch())
    if (slab !== last) batch.parts.push(slab)
    batch.size += slab.used - before
    this.#schedule()
    return true
  }

  /** Resolves when the last batch has left; undefined while little waits. Never rejects. */
  get pressure(): Promise<void> | undefined {
    if (this.queued < PRESSURE) return undefined
    return (this.#batch ?? this.#writing)?.done.catch(() => {})
  }

  /** Ends the stream behind what was accepted. Resolves when all of it was written. */
  end(): Promise<void> {
    if (this.#ending !== undefined) return this.#ending.promise
    this.#ending = Promise.withResolvers<void>()
    void handled(this.#ending.promise)
    if (this.#closed !== undefined) this.#ending.resolve()
    else if (!this.#scheduled) this.#flush()
    return this.#ending.promise
  }

  /** The reader is gone: nothing more can be delivered, and who waits is told so. No error is made for nobody. */
  close(why: string, cause?: Error): void {
    if (this.#closed !== undefined) return
    this.#closed = { why, cause }
    for (const batch of [this.#batch, this.#writing]) if (batch !== undefined) refuse(batch, this.#refuse(why, cause))
    this.#batch = this.#writing = undefined
    this.#ending?.resolve()
    this.#sink.destroy()
  }

  /** Bytes accepted and not yet written. */
  get queued(): number {
    return (this.#batch?.size ?? 0) + (this.#writing?.size ?? 0)
  }

  #refusal(length: number, limit = OUTBOX_LIMIT): Error | undefined {
    if (this.#closed !== undefined) return this.#refuse(this.#closed.why, this.#closed.cause)
    if (this.#ending !== undefined) return this.#refuse('its input was ended')
    const waiting = this.queued
    return waiting > 0 && waiting + length > limit ? this.#overload(waiting, limit) : undefined
  }

  #accept(frame: string | Uint8Array, lent: boolean): Batch {
    const batch = (this.#batch ??= newBatch())
    if (lent && typeof frame !== 'string') addCopy(batch, frame)
    else add(batch, frame)
    this.#schedule()
    return batch
  }

  #schedule(): void {
    if (this.#scheduled || this.#writing !== undefined) return
    this.#scheduled = true
    flushAtEndOfTick(this)
  }

  /** The tick is over: what it has sent leaves. */
  tickEnded(): void {
    this.#scheduled = false
    this.#flush()
  }

  #flush(): void {
    if (this.#writing !== undefined || this.#closed !== undefined) return
    if (this.#batch !== undefined) this.#write(this.#batch)
    else if (this.#ending !== undefined) this.#sink.end(this.#ending.resolve)
  }

  #write(batch: Batch): void {
    this.#writing = batch
    this.#batch = undefined
    this.#writeOn(batch)
  }

  #writeOn(batch: Batch): void {
    batch.begun = endOfWrite(batch.parts, batch.written)
    try {
      this.#sink.write(dataOf(batch.parts, batch.written, batch.begun), this.#written)
    } catch (error) {
      // A framing that encodes to something else than text or bytes.
      this.#written(error as Error)
    }
  }

  readonly #written = (error?: Error | null): void => {
    const batch = this.#writing
    if (error) return this.close('it does not read any more', error)
    if (batch !== undefined) forget(batch)
    if (batch !== undefined && batch.begun < batch.parts.length) return this.#writeOn(batch)
    this.#writing = undefined
    batch?.resolve()
    this.#flush()
  }

  #refuse(why: string, cause?: Error): ClosedError {
    return new ClosedError(`Cannot send to ${this.#who}: ${why}`, { cause })
  }

  #overload(waiting: number, limit: number): OverloadError {
    return new OverloadError(
      `Cannot send to ${this.#who}: ${formatBytes(waiting)} already wait for it to read; await send() to keep its pace`,
      waiting,
      limit,
    )
  }
}

function newBatch(): Batch {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  return { done: promise, resolve, reject, parts: [], written: 0, begun: 0, size: 0 }
}

/** Handled only here, where it can be rejected: most batches are written, and need no second promise. */
function refuse(batch: Batch, error: Error): void {
  void handled(batch.done)
  batch.reject(error)
}

function add(batch: Batch, frame: string | Uint8Array): void {
  const last = batch.parts.length - 1
  const before = batch.parts[last]
  if (typeof frame === 'string' && typeof before === 'string' && before.length < WRITE)
    batch.parts[last] = before + frame
  else batch.parts.push(frame)
  batch.size += frame.length
}

/** Into memory that is used again: of one slab, or of several one after the other. */
function addCopy(batch: Batch, frame: Uint8Array): void {
  batch.size += frame.length
  for (let at = 0; at < frame.length;) {
    let slab = batch.parts.at(-1)
    if (!(slab instanceof Slab)) batch.parts.push((slab = takeSlab()))
    const end = slab.add(frame, at)
    if (end === at) batch.parts.push(takeSlab())
    at = end
  }
}

/** What is small goes together with what follows it. */
function endOfWrite(parts: readonly Part[], from: number): number {
  let end = from
  for (let size = 0; end < parts.length; end++) {
    const { length } = parts[end] as Part
    if (end > from && (length > LARGE || size + length > WRITE)) break
    size += length
    if (length > LARGE) return end + 1
  }
  return end
}

function dataOf(parts: readonly Part[], from: number, to: number): string | Uint8Array {
  const [only] = to - from === 1 ? [parts[from]] : []
  if (only !== undefined) return only instanceof Slab ? only.view : only
  return Buffer.concat(parts.slice(from, to).map(bytesOf))
}

function bytesOf(part: Part): Uint8Array {
  return typeof part === 'string' ? Buffer.from(part) : part instanceof Slab ? part.view : part
}

/** What was written is held no longer, and its memory may be used again. */
function forget(batch: Batch): void {
  for (; batch.written < batch.begun; batch.written++) {
    const part = batch.parts[batch.written]
    batch.parts[batch.written] = ''
    if (part instanceof Slab) part.free()
  }
}

/** Who does not wait for a send must not be ended by its failure; the worker's exit tells of it. */
export function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}

/** One callback of Node for all outboxes of a tick. */
let queue: Outbox[] = []

function flushAtEndOfTick(outbox: Outbox): void {
  if (queue.push(outbox) === 1) process.nextTick(flushAll)
}

function flushAll(): void {
  const due = queue
  queue = []
  for (const outbox of due) outbox.tickEnded()
}

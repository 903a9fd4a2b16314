import type { Fleet } from '../../fleet/contract.ts'
import type { StreamQuery } from '../request/requests.ts'
import type { Selection } from '../request/selection.ts'
import type { EventRecord, LogRecord, StreamTopic } from '../wire.ts'
import { Backlog } from './backlog.ts'
import { HEARTBEAT, eventText, frameText, logText, sampleText } from './frames.ts'
import type { Hub, Listener, Sample } from './hub.ts'
import { Wakeup } from './wakeup.ts'

/** Bytes of log lines that may wait for one reader. Of events only their numbers wait, of metrics the newest. */
const MAX_BACKLOG = 1024 * 1024
/** Characters that are handed over at once, unless one frame is longer. */
const CHUNK = 64 * 1024

/** One reader of `GET /v1/stream`: what it was not told yet, however slow it is, in bounded memory. */
export class StreamReader implements Listener {
  readonly topics: ReadonlySet<StreamTopic>
  readonly #fleet: Fleet
  readonly #hub: Hub
  readonly #selection: Selection | undefined
  readonly #backlog = new Backlog<string>(MAX_BACKLOG)
  readonly #wakeup = new Wakeup()
  /** The number of the last event it was told, or was not meant to be told. */
  #cursor: number
  #hello: string | undefined
  #sample: Sample | undefined
  #missedSamples = 0
  #isBeating = false
  #isJoined = false
  #isEnded = false

  constructor(fleet: Fleet, hub: Hub, { topics, since }: StreamQuery, selection: Selection | undefined) {
    this.topics = topics
    this.#fleet = fleet
    this.#hub = hub
    this.#selection = selection
    this.#hello = frameText({ topic: 'hello', data: fleet.status() })
    const newest = this.#newest
    // A number from beyond the newest is of an earlier fleet: all of this one is new.
    this.#cursor = since === undefined ? newest : since > newest ? 0 : since
  }

  get #newest(): number {
    return this.#fleet.eventsSince(0).at(-1)?.seq ?? 0
  }

  event({ seq, worker }: EventRecord): void {
    if (this.#selection !== undefined && !this.#isMeant(worker)) return
    this.#backlog.expectEvents(seq)
    this.#wakeup.call()
  }

  log(record: LogRecord): void {
    if (this.#selection?.has(record.worker) === false) return
    const { text, size } = logText(record)
    this.#backlog.push(text, size)
    this.#wakeup.call()
  }

  metrics(sample: Sample): void {
    if (this.#sample !== undefined) this.#missedSamples++
    this.#sample = sample
    this.#wakeup.call()
  }

  heartbeat(): void {
    this.#isBeating = true
    this.#wakeup.call()
  }

  end(): void {
    this.#isEnded = true
    this.#wakeup.call()
  }

  /** Nobody reads any more. */
  close(): void {
    this.#hub.leave(this)
    this.#backlog.clear()
    this.#sample = undefined
    this.end()
  }

  /** What there is to tell, as soon as there is something; undefined at the end. */
  async next(): Promise<string | undefined> {
    this.#join()
    for (;;) {
      const text = this.#gather()
      if (text !== '') return text
      if (this.#isEnded) return undefined
      await this.#wakeup.called
    }
  }

  /** With the first read: a request may be for the headers alone. */
  #join(): void {
    if (this.#isJoined) return
    this.#isJoined = true
    // What it wants to be told again, and what has happened since it asked.
    if (this.topics.has('event')) this.#backlog.expectEvents(this.#newest)
    this.#hub.join(this)
  }

  #gather(): string {
    let text = this.#takeHello() + this.#takeSample()
    for (let next = this.#backlog.peek(); next !== undefined && text.length < CHUNK; next = this.#backlog.peek()) {
      if (next.kind === 'events' && this.#cursor < next.seq) text += this.#takeEvents(next.seq, CHUNK - text.length)
      else {
        if (next.kind === 'item') text += next.item
        if (next.kind === 'gap') text += this.#dropped('log', next.count)
        this.#backlog.shift()
      }
    }
    const beat = this.#isBeating && text === ''
    this.#isBeating = false
    return beat ? HEARTBEAT : text
  }

  #takeHello(): string {
    const hello = this.#hello ?? ''
    this.#hello = undefined
    return hello
  }

  #takeSample(): string {
    const sample = this.#sample
    if (sample === undefined) return ''
    this.#sample = undefined
    const missed = this.#missedSamples
    this.#missedSamples = 0
    return (missed === 0 ? '' : this.#dropped('metrics', missed)) + this.#sampleText(sample)
  }

  #sampleText(sample: Sample): string {
    const selection = this.#selection
    if (selection === undefined) return sampleText(sample)
    return sampleText({ at: sample.at, workers: sample.workers.filter(({ id }) => selection.has(id)) })
  }

  /** Those up to `last` that the fleet still knows: nothing is kept for one reader. */
  #takeEvents(last: number, room: number): string {
    const events = this.#fleet.eventsSince(this.#cursor)
    const missed = Math.min(events[0]?.seq ?? last + 1, last + 1) - this.#cursor - 1
    let text = missed > 0 ? this.#dropped('event', missed) : ''
    this.#cursor += Math.max(0, missed)
    for (const event of events) {
      if (event.seq > last || text.length >= room) break
      this.#cursor = event.seq
      if (this.#isMeant(event.worker)) text += eventText(event)
    }
    return text
  }

  /** What happens to supervisors is for who listens to all. */
  #isMeant(worker: string | undefined): boolean {
    return this.#selection === undefined || (worker !== undefined && this.#selection.has(worker))
  }

  #dropped(topic: StreamTopic, count: number): string {
    this.#hub.dropped[topic] += count
    return frameText({ topic: 'dropped', data: { topic, count } })
  }
}

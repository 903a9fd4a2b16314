import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../base/clock.ts'
import type { MasterEvent } from '../../base/events.ts'
import { Master } from '../../master/master.ts'
import type { Shutdown } from '../../process/ladder.ts'
import type { Strategy } from '../../supervisor/plan.ts'
import { worker as described } from '../../worker/host.ts'
import type { WorkerSpec } from '../../worker/spec.ts'
import type { Worker } from '../../worker/worker.ts'
import { Tally } from './tally.ts'

/** What the audience hears. */
export interface Audience {
  message(worker: string, direction: '→' | '←', text: string): void
  note(text: string): void
}

/** What is known of a worker beside what it says itself. */
export interface Part {
  readonly worker: Worker<any, any>
  /** The number of the act it entered in. */
  readonly act: number
  last: string
  /** When its process came to be, by the clock; undefined when there is none. */
  since: number | undefined
}

type Awaited = { readonly matches: (event: MasterEvent) => boolean; readonly resolve: (event: MasterEvent) => void }

/** Of a program beside this one, as it was built or as it was written. */
function pathOf(program: string): string {
  return fileURLToPath(new URL(`${program}${extname(import.meta.url)}`, import.meta.url))
}

/** Where the acts play: one master, and help to show what passes between it and its workers. */
export class Stage {
  readonly tally = new Tally()
  readonly parts = new Map<string, Part>()
  act = 0
  /** Who is shown what passes. */
  audience: Audience | undefined
  readonly #master = new Master({
    defaults: { env: { NODE_EXTRA_CA_CERTS: undefined }, shutdown: { eof: '500ms', grace: '1s' } },
  })
  readonly #history: MasterEvent[] = []
  readonly #awaited = new Set<Awaited>()
  #folder: string | undefined
  #closed = false

  constructor() {
    void this.#follow()
  }

  /** A folder of its own, gone at the end. */
  get folder(): string {
    return (this.#folder ??= mkdtempSync(join(tmpdir(), 'pagent-demo-')))
  }

  start<I = string, O = I>(
    id: string,
    file: string,
    args: readonly string[] = [],
    spec: WorkerSpec<I, O> = {},
  ): Promise<Worker<I, O>> {
    if (this.#closed) return Promise.reject(new Error('the demo was interrupted'))
    const worker = this.#master.getWorker(id)
    this.parts.set(id, { worker, act: this.act, last: '', since: undefined })
    return worker.start(file, args, spec)
  }

  /** Starts one of the small programs that come with the demo. */
  node<I = string, O = I>(
    id: string,
    program: 'echo' | 'flood' | 'pulse' | 'stubborn',
    args: readonly string[] = [],
    spec: WorkerSpec<I, O> = {},
  ): Promise<Worker<I, O>> {
    return this.start(id, process.execPath, [pathOf(`programs/${program}`), ...args], spec)
  }

  /** Starts a supervisor of such programs, by their names. */
  async supervise(
    id: string,
    strategy: Strategy,
    program: 'echo' | 'pulse',
    names: readonly string[],
  ): Promise<Worker[]> {
    if (this.#closed) throw new Error('the demo was interrupted')
    const path = pathOf(`programs/${program}`)
    const workers = names.map((name) => described(name, process.execPath, [path]))
    for (const one of workers) this.parts.set(one.id, { worker: one, act: this.act, last: '', since: undefined })
    await this.#master.supervise({ id, strategy, children: workers })
    return workers
  }

  /** The command itself, as a worker. */
  pagent(id: string, args: readonly string[]): Promise<Worker> {
    return this.start(id, process.execPath, [pathOf('../main'), ...args])
  }

  /** Sends a message and shows it. */
  async say<I, O>(worker: Worker<I, O>, message: O): Promise<void> {
    this.#show(worker.id, '→', message)
    await worker.send(message)
  }

  /** Receives a message and shows it. */
  async hear<I, O>(worker: Worker<I, O>): Promise<I | undefined> {
    const message = await worker.receive()
    if (message !== undefined) this.#show(worker.id, '←', message)
    return message
  }

  async ask<I, O>(worker: Worker<I, O>, message: O): Promise<I | undefined> {
    await this.say(worker, message)
    return this.hear(worker)
  }

  note(text: string): void {
    this.audience?.note(text)
  }

  /** Resolves when this life of the worker is ready. */
  async ready(worker: Worker<any, any>, incarnation: number): Promise<void> {
    await this.#event(
      (event) => event.type === 'ready' && event.worker === worker.id && event.incarnation === incarnation,
    )
  }

  /** Ends everything, also what is being started. Again, and shorter: at once. */
  async close(shutdown?: Shutdown): Promise<void> {
    this.#closed = true
    if (shutdown !== undefined) for (const { worker } of this.parts.values()) void worker.stop(shutdown)
    await this.#master.stop()
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true })
  }

  #show(worker: string, direction: '→' | '←', message: unknown): void {
    this.tally.messages++
    const text = readable(message)
    const part = this.parts.get(worker)
    if (part !== undefined && text !== '') part.last = `${direction} ${text}`
    this.audience?.message(worker, direction, text)
  }

  #event(matches: Awaited['matches']): Promise<MasterEvent> {
    const past = this.#history.find(matches)
    if (past !== undefined) return Promise.resolve(past)
    return new Promise((resolve) => this.#awaited.add({ matches, resolve }))
  }

  async #follow(): Promise<void> {
    for await (const event of this.#master.events) {
      this.#history.push(event)
      this.tally.record(event)
      this.#track(event)
      for (const awaited of this.#awaited) {
        if (awaited.matches(event) && this.#awaited.delete(awaited)) awaited.resolve(event)
      }
    }
  }

  #track(event: MasterEvent): void {
    const part = event.worker === undefined ? undefined : this.parts.get(event.worker)
    if (part === undefined) return
    if (event.type === 'spawned') part.since = systemClock.now()
    if (event.type === 'exited') part.since = undefined
  }
}

/** A message on one line, for people. */
function readable(message: unknown): string {
  if (typeof message === 'string') return message
  if (!(message instanceof Uint8Array)) return JSON.stringify(message)
  const head = Buffer.from(message.subarray(0, 8)).toString('hex').replaceAll(/../g, '$& ').trim()
  return `${head}${message.length > 8 ? ' …' : ''} (${message.length} bytes)`
}

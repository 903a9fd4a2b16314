import { type Clock, type Timer, systemClock } from '../../base/clock.ts'
import type { LogQuery, StreamFrame } from '../../control/api/wire.ts'
import type { Desk } from '../fleet/desk.ts'
import { ofSignal } from '../exit-code.ts'
import { Asides } from './asides.ts'
import { act, send } from './deeds.ts'
import { LogTail, follow } from './feed.ts'
import { Lines } from './model/lines.ts'
import { FleetPicture } from './model/picture.ts'
import { type Row, rowsOf } from './model/rows.ts'
import { frameOf } from './paint/frame.ts'
import { type Geometry, geometryFor } from './paint/geometry.ts'
import { helpPage } from './paint/help-page.ts'
import { type Intent, intentOf } from './steering/intents.ts'
import type { Key } from './steering/keys.ts'
import { settled } from './steering/moves.ts'
import { actionText } from './steering/orders.ts'
import { type Effect, type Scene, update } from './steering/update.ts'
import { FIRST_STATE, type Note, type TopState, viewOf } from './steering/view.ts'
import { Terminal } from './terminal/terminal.ts'

/** News is drawn so often at most, in milliseconds; what a key does is drawn at once. */
const DRAW_EVERY = 250
/** How long ago something was, is said anew so often. */
const TICK = 1000
const NOTE_STAYS = 8000
/** So many past lines are read at first. */
const PAST = 500

export interface LiveOptions {
  /** Only these. */
  readonly workers?: readonly string[]
  readonly isReadOnly: boolean
}

/** A fleet on a terminal, until somebody leaves it. */
export class LiveTop {
  readonly #desk: Desk
  readonly #options: LiveOptions
  readonly #clock: Clock
  readonly #picture: FleetPicture
  readonly #lines = new Lines()
  readonly #tail: LogTail
  readonly #asides: Asides
  readonly #terminal: Terminal
  readonly #ended = Promise.withResolvers<number>()
  readonly #over = new AbortController()
  #state: TopState = FIRST_STATE
  #rows: readonly Row[] = []
  #rowsOf = ''
  #drawnAt = -Infinity
  #drawing: Timer | undefined
  #noting: Timer | undefined
  #ticking: Timer | undefined

  constructor(desk: Desk, options: LiveOptions, clock: Clock = systemClock) {
    this.#desk = desk
    this.#options = options
    this.#clock = clock
    this.#picture = new FleetPicture(clock.now())
    this.#asides = new Asides(desk, this.#picture, clock, () => this.#changed())
    this.#tail = new LogTail(
      desk.client,
      (record) => {
        this.#lines.push(record)
        this.#changed()
      },
      (reason) => this.#note({ text: reason, isBad: true }),
      clock,
    )
    this.#terminal = new Terminal(
      {
        key: (key) => this.#press(key),
        redraw: () => this.#draw(),
        end: (signal) => this.#ended.resolve(ofSignal(signal)),
      },
      clock,
    )
  }

  /** Resolves with the exit code. */
  async run(): Promise<number> {
    this.#terminal.open()
    try {
      const listener = {
        frame: (frame: StreamFrame) => this.#take(frame),
        lost: (reason: string) => this.#lose(reason),
      }
      const { workers } = this.#options
      const following = follow(this.#desk.client, workers, listener, this.#over.signal, this.#clock)
      this.#tick()
      return await Promise.race([this.#ended.promise, following.then(() => 0)])
    } finally {
      this.#over.abort()
      this.#tail.close()
      for (const timer of [this.#drawing, this.#noting, this.#ticking]) timer?.cancel()
      this.#terminal.close()
    }
  }

  // ── news ──

  #take(frame: StreamFrame): void {
    this.#picture.take(frame, this.#clock.now())
    if (frame.topic === 'hello') this.#meet()
    if (frame.topic === 'metrics') {
      void this.#asides.askPools()
      void this.#asides.askDetail(viewOf(this.#state), this.#terminal.size.columns)
    }
    this.#changed()
  }

  /** Its lines are read anew, with those that were missed. */
  #meet(): void {
    this.#lines.clear()
    this.#state = { ...this.#state, anchor: undefined }
    this.#tail.reset()
    this.#showLines()
  }

  #lose(reason: string): void {
    this.#picture.lose(reason, this.#clock.now())
    this.#changed()
  }

  // ── keys ──

  #press(key: Key): void {
    const intent = intentOf(key, this.#state)
    if (intent === undefined) return
    this.#want(intent)
    this.#drawing?.cancel()
    // Several keys that come together are drawn once.
    this.#drawing = this.#clock.after(0, () => this.#draw())
  }

  #want(intent: Intent): void {
    this.#settle()
    const { state, effects } = update(this.#state, intent, this.#scene())
    this.#state = state
    if (state.note !== undefined) this.#note(state.note)
    this.#showLines()
    void this.#asides.askDetail(viewOf(this.#state), this.#terminal.size.columns)
    for (const effect of effects) this.#carryOut(effect)
  }

  #carryOut(effect: Effect): void {
    switch (effect.do) {
      case 'quit':
        return this.#ended.resolve(effect.exitCode)
      case 'suspend':
        return this.#terminal.suspend()
      case 'repaint':
        return this.#terminal.forget()
      case 'act':
        this.#state = {
          ...this.#state,
          note: { text: `${actionText(effect.action, effect.action.targets)} …`, isBad: false },
        }
        return void act(this.#desk.client, this.#desk.fleet, effect.action).then((note) => this.#note(note))
      case 'send':
        return void this.#send(effect.worker, effect.line)
    }
  }

  async #send(worker: string, line: string): Promise<void> {
    const note = await send(this.#desk.client, this.#desk.fleet, worker, line)
    if (note === undefined) return
    // It has to be seen, and stands where the next line would be written.
    this.#state = { ...this.#state, prompt: undefined }
    this.#note(note)
  }

  #note(note: Note): void {
    this.#state = { ...this.#state, note }
    this.#noting?.cancel()
    this.#noting = this.#clock.after(NOTE_STAYS, () => {
      this.#state = { ...this.#state, note: undefined }
      this.#changed()
    })
    this.#changed()
  }

  // ── what is shown ──

  #showLines(): void {
    if (!this.#tail.show(this.#query())) return
    this.#lines.clear()
  }

  #query(): LogQuery {
    const view = this.#state.views.findLast(({ kind }) => kind === 'logs' || kind === 'list')
    if (view?.kind === 'logs') {
      const { worker, isPrevious } = view
      return { workers: [worker], lines: PAST, ...(isPrevious ? { previous: true } : { follow: true }) }
    }
    const { workers } = this.#options
    return { lines: PAST, follow: true, ...(workers === undefined ? {} : { workers }) }
  }

  #changed(): void {
    if (this.#drawing !== undefined) return
    const wait = Math.max(0, this.#drawnAt + DRAW_EVERY - this.#clock.now())
    this.#drawing = this.#clock.after(wait, () => this.#draw())
  }

  #tick(): void {
    this.#ticking = this.#clock.after(TICK, () => this.#tick())
    this.#changed()
  }

  #draw(): void {
    this.#drawing?.cancel()
    this.#drawing = undefined
    this.#settle()
    const { size } = this.#terminal
    const frame = frameOf({
      size,
      geometry: this.#geometry(),
      picture: this.#picture,
      rows: this.#rows,
      lines: this.#lines,
      state: this.#state,
      text: this.#text(),
      isReadOnly: this.#isReadOnly,
      now: this.#clock.now(),
      date: this.#clock.date(),
      ink: this.#desk.screen,
    })
    this.#drawnAt = this.#clock.now()
    if (!this.#terminal.draw(frame)) this.#changed()
  }

  #settle(): void {
    const { sort, filter } = this.#state
    const key = `${this.#picture.version} ${sort} ${filter}`
    if (key !== this.#rowsOf) {
      this.#rowsOf = key
      this.#rows = rowsOf(this.#picture.workers, sort, filter)
    }
    this.#state = settled(this.#state, this.#scene())
  }

  #scene(): Scene {
    const { list, lines, text } = this.#geometry()
    return {
      rows: this.#rows,
      lines: this.#lines,
      worker: (id) => this.#picture.worker(id),
      room: { list, lines, text },
      textLength: this.#text().length,
      workers: this.#picture.workers,
      fleet: this.#desk.fleet,
      isReadOnly: this.#isReadOnly,
    }
  }

  #geometry(): Geometry {
    return geometryFor(this.#terminal.size, viewOf(this.#state), this.#rows.length)
  }

  #text(): readonly string[] {
    const view = viewOf(this.#state)
    if (view.kind === 'help') return helpPage(this.#desk.screen, this.#terminal.size.columns)
    if (view.kind !== 'detail') return []
    return this.#asides.detailOf(view.worker)
  }

  get #isReadOnly(): boolean {
    return this.#options.isReadOnly || this.#picture.fleet?.isReadOnly === true
  }
}

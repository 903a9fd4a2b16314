import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { type Clock, type Timer, systemClock } from '../../../base/clock.ts'
import { suspendJob } from '../../../process/companions/suspend.ts'
import { ENDING, type EndingSignal } from '../../signals.ts'
import { writeFully } from '../../terminal.ts'
import type { Frame } from '../paint/frame.ts'
import type { Size } from '../paint/scene.ts'
import { type Key, KeyReader } from '../steering/keys.ts'
import { Differences } from './differences.ts'

/** Other screen, no cursor, no wrapping of long lines, pastes in brackets; and the way back, behind whatever was cut. */
const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[?2004h'
const LEAVE = '\x18\x1b[0m\x1b[?2026l\x1b[?2004l\x1b[?7h\x1b[?25h\x1b[?1049l'
/** So long an Esc may be the beginning of something, in milliseconds. */
const ESCAPE = 50
/** What a terminal did not take is tried again after so many milliseconds. */
const RETRY = 20
/** For so long a terminal that takes nothing is waited for in the end: tries, 5 ms apart. */
const PATIENCE = 100
/** When the job was not stopped by then, nobody was there to stop it. */
const STOPPED = 200

export interface TerminalHandlers {
  readonly key: (key: Key) => void
  /** It has another size, or was given back to us: all of it has to be drawn. */
  readonly redraw: () => void
  readonly end: (signal: EndingSignal) => void
}

/**
 * The terminal as long as it is ours: every way to end gives it back as it was. Nothing here waits for a terminal that
 * stands still; then frames are left out.
 */
export class Terminal {
  readonly #handlers: TerminalHandlers
  readonly #clock: Clock
  readonly #keys = new KeyReader()
  readonly #differences = new Differences()
  readonly #fd = openOwn()
  readonly #listeners: readonly (readonly [NodeJS.Signals, () => void])[]
  #isEntered = false
  #isClosed = false
  #rest: Buffer | undefined
  #escape: Timer | undefined
  #retry: Timer | undefined

  constructor(handlers: TerminalHandlers, clock: Clock = systemClock) {
    this.#handlers = handlers
    this.#clock = clock
    this.#listeners = [
      ...ENDING.map((signal) => [signal, () => handlers.end(signal)] as const),
      ['SIGTSTP', () => this.suspend()],
      ['SIGCONT', () => this.#comeBack()],
    ]
  }

  get size(): Size {
    const { columns, rows } = process.stdout
    // A serial line does not know.
    return { columns: columns > 0 ? columns : 80, rows: rows > 0 ? rows : 24 }
  }

  open(): void {
    for (const [signal, listener] of this.#listeners) process.on(signal, listener)
    process.stdout.on('resize', this.#resized)
    process.stdin.setEncoding('utf8').on('data', this.#read).on('end', this.#hangUp).on('error', this.#hangUp)
    // A fault of ours must be told on the screen that stays.
    process.on('uncaughtExceptionMonitor', this.#leave)
    process.on('exit', this.#leave)
    this.#enter()
  }

  close(): void {
    this.#leave()
    this.#isClosed = true
    this.#escape?.cancel()
    for (const [signal, listener] of this.#listeners) process.off(signal, listener)
    process.stdout.off('resize', this.#resized)
    process.off('uncaughtExceptionMonitor', this.#leave)
    process.off('exit', this.#leave)
    // A terminal that is still read would keep us alive.
    process.stdin.off('data', this.#read).destroy()
    if (this.#fd !== 1) closeSync(this.#fd)
  }

  /** False when the terminal has not taken the last one yet, and this one is left out. */
  draw(frame: Frame): boolean {
    if (!this.#isEntered) return true
    if (this.#rest !== undefined) return false
    this.#write(this.#differences.to(frame))
    return true
  }

  /** The next frame is drawn as if there were nothing. */
  forget(): void {
    this.#differences.forget()
  }

  /** As Ctrl-Z does it in programs that leave the terminal as it is. */
  suspend(): void {
    this.#leave()
    process.off('SIGTSTP', this.#listener('SIGTSTP'))
    suspendJob()
    this.#clock.after(STOPPED, () => this.#comeBack())
  }

  #listener(signal: NodeJS.Signals): () => void {
    return this.#listeners.find(([one]) => one === signal)?.[1] ?? (() => {})
  }

  /** Also after a stop that we have not seen coming: the shell has had the terminal meanwhile. */
  #comeBack(): void {
    if (this.#isClosed) return
    process.off('SIGTSTP', this.#listener('SIGTSTP')).on('SIGTSTP', this.#listener('SIGTSTP'))
    this.#isEntered = false
    process.stdin.setRawMode(false)
    this.#enter()
    this.#handlers.redraw()
  }

  #enter(): void {
    this.#isEntered = true
    process.stdin.setRawMode(true)
    this.#rest = undefined
    this.#differences.forget()
    this.#write(ENTER)
  }

  readonly #leave = (): void => {
    if (!this.#isEntered) return
    this.#isEntered = false
    this.#retry?.cancel()
    this.#rest = undefined
    writeFully(this.#fd, LEAVE, PATIENCE)
    try {
      process.stdin.setRawMode(false)
    } catch {
      // There is no terminal any more.
    }
  }

  readonly #resized = (): void => {
    this.#differences.forget()
    this.#handlers.redraw()
  }

  readonly #hangUp = (): void => this.#handlers.end('SIGHUP')

  readonly #read = (text: string): void => {
    this.#escape?.cancel()
    for (const key of this.#keys.push(text)) this.#handlers.key(key)
    if (!this.#keys.isWaiting) return
    this.#escape = this.#clock.after(ESCAPE, () => {
      for (const key of this.#keys.flush()) this.#handlers.key(key)
    })
  }

  #write(text: string): void {
    if (text !== '') this.#writeSome(Buffer.from(text))
  }

  #writeSome(bytes: Buffer): void {
    try {
      const rest = bytes.subarray(writeSync(this.#fd, bytes))
      this.#rest = rest.length === 0 ? undefined : rest
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return this.#handlers.end('SIGHUP')
      this.#rest = bytes
    }
    if (this.#rest !== undefined) this.#retry = this.#clock.after(RETRY, () => this.#writeSome(this.#rest ?? bytes))
  }
}

/** A way of our own to the terminal that never waits; ours alone, for whoever shares fd 1 expects it to wait. */
function openOwn(): number {
  try {
    return openSync('/dev/fd/1', constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
  } catch {
    return 1
  }
}

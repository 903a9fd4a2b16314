import type { Writable } from 'node:stream'
import type { ByteSource } from '../../channel/bytes.ts'
import { LineDecoder } from '../../framing/lines.ts'
import type { LaunchCommand, Launcher, RunningProcess } from '../../process/launcher.ts'
import type { Abilities } from '../../process/limits.ts'

const LINE_MAX = 65_536

/**
 * Starts programs whose stdout and stderr also go on to ours: byte for byte, at the pace of whoever reads them. Looks
 * for a line that matches on the way.
 */
export class WatchingLauncher implements Launcher {
  readonly name: string
  readonly #inner: Launcher
  readonly #pattern: RegExp | undefined
  #match = Promise.withResolvers<void>()
  readonly #readerLeft = Promise.withResolvers<void>()
  #lost: NodeJS.ErrnoException | undefined

  constructor(inner: Launcher, pattern?: RegExp) {
    this.name = inner.name
    this.#inner = inner
    this.#pattern = pattern
    // Also for what is still on its way when a program is done with; every life listens for itself while it lasts.
    for (const stream of [process.stdout, process.stderr]) stream.on('error', this.#onError)
  }

  /** Why output of the program could not be passed on, other than for want of a reader. */
  get lost(): NodeJS.ErrnoException | undefined {
    return this.#lost
  }

  /** Resolves when the life that was started last has written a line that matches. */
  readonly matched = (): Promise<void> => this.#match.promise

  /** Resolves when nobody reads our stdout any more. */
  get readerLeft(): Promise<void> {
    return this.#readerLeft.promise
  }

  async launch(command: LaunchCommand): Promise<RunningProcess> {
    const match = Promise.withResolvers<void>()
    this.#match = match
    const started = await this.#inner.launch(command)
    const onLine = (line: string): void => {
      if (this.#pattern?.test(line) === true) match.resolve()
    }
    const stdout = new CopiedSource(started.stdout, process.stdout, onLine, this.#readerLeft.resolve)
    const stderr = new CopiedSource(started.stderr, process.stderr, onLine)
    void started.exited.then(() => [stdout, stderr].map((source) => source.drain()))
    return { ...pick(started, () => [stdout, stderr].map((source) => source.destroy())), stdout, stderr }
  }

  abilities(): Promise<Abilities> {
    return this.#inner.abilities()
  }

  close(): Promise<void> {
    return this.#inner.close()
  }

  readonly #onError = (error: NodeJS.ErrnoException): void => {
    if (error.code !== 'EPIPE') this.#lost ??= error
  }
}

/** A `RunningProcess` may be an instance of a class, whose methods a spread would lose. */
function pick(process: RunningProcess, onRelease: () => void): Omit<RunningProcess, 'stdout' | 'stderr'> {
  return {
    pid: process.pid,
    stdin: process.stdin,
    exited: process.exited,
    limits: process.limits,
    measure: () => process.measure(),
    kill: (killSignal) => process.kill(killSignal),
    release: () => {
      process.release()
      onRelease()
    },
  }
}

/** Shows a stream to its reader and copies it to another one; the slower of the two sets the pace. */
class CopiedSource implements ByteSource {
  readonly #inner: ByteSource
  readonly #target: Writable
  readonly #lines = new LineDecoder('output', LINE_MAX, 'skip', undefined)
  readonly #onLine: (line: string) => void
  readonly #onReaderLeft: (() => void) | undefined
  #held = false
  #full = false
  #draining = false

  /** Without `onReaderLeft` the program finds its own pipe broken when ours is. */
  constructor(inner: ByteSource, target: Writable, onLine: (line: string) => void, onReaderLeft?: () => void) {
    this.#inner = inner
    this.#target = target
    this.#onLine = onLine
    this.#onReaderLeft = onReaderLeft
  }

  start(onChunk: (chunk: Uint8Array) => boolean, onEnd: (error?: Error) => void): void {
    this.#target.on('drain', this.#onDrain)
    this.#target.on('error', this.#onError)
    const forward = (chunk: Uint8Array): boolean => {
      this.#copy(chunk)
      this.#held = !onChunk(chunk)
      return this.#draining || !(this.#full || this.#held)
    }
    this.#inner.start(forward, (error) => {
      this.#lines.end(this.#onLine)
      onEnd(error)
    })
  }

  resume(): void {
    this.#held = false
    this.#flow()
  }

  /** The program has ended: what is left in its pipe is little, and waits for nobody. */
  drain(): void {
    this.#draining = true
    this.#inner.resume()
  }

  destroy(): void {
    this.#target.off('drain', this.#onDrain)
    this.#target.off('error', this.#onError)
    this.#inner.destroy()
  }

  #copy(chunk: Uint8Array): void {
    this.#lines.push(chunk, this.#onLine)
    // The chunk is ours during this call only.
    if (this.#target.writable) this.#full = !this.#target.write(Buffer.from(chunk))
  }

  #flow(): void {
    if (!this.#held && !this.#full) this.#inner.resume()
  }

  readonly #onDrain = (): void => {
    this.#full = false
    this.#flow()
  }

  /** What we cannot pass on, the program shall not be able to write, as it would not have without us. */
  readonly #onError = (error: NodeJS.ErrnoException): void => {
    if (error.code !== 'EPIPE' || this.#onReaderLeft === undefined) return this.#inner.destroy()
    // Its pipe may be a socket, on which it would meet another error than EPIPE: it is read on until it has ended.
    this.#onReaderLeft()
    this.#full = false
    this.#flow()
  }
}

import { open, stat, truncate } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { type RotatingFileStream, createStream } from 'rotating-file-stream'
import type { LogPlan } from '../../config/fleet-plan.ts'
import { fileOf } from './names.ts'
import { removeOld } from './retention.ts'

const NOTHING = (): void => {}
const NEWLINE = 10

/** A file that only grows at its end, and makes room for the next before it is too large or too old. */
export class RotatingFile {
  readonly #folder: string
  readonly #base: string
  readonly #plan: () => LogPlan
  #stream: RotatingFileStream | undefined
  #hasRotated = false
  /** It ends with a whole line: ours. */
  #isWhole = false

  /** `plan` is asked each time the file is opened. */
  constructor(folder: string, base: string, plan: () => LogPlan) {
    this.#folder = folder
    this.#base = base
    this.#plan = plan
  }

  /**
   * Writes whole lines. After an error nothing of them is there: they can be written again. What the disk has taken only a part
   * of is an error, too.
   */
  async append(text: string): Promise<void> {
    const bytes = Buffer.from(await this.#onNewLine(text))
    const before = await this.#size()
    this.#hasRotated = false
    this.#isWhole = false
    try {
      await this.#write(bytes)
      if (!this.#hasRotated && (await this.#size()) < before + bytes.length) throw diskFull(this.#path)
      this.#isWhole = true
    } catch (error) {
      await this.close()
      // It was whole when it was put aside: only making room for the next has failed.
      if (this.#hasRotated) return await this.#removeOld()
      await truncate(this.#path, before).catch(NOTHING)
      throw error
    }
    if (this.#hasRotated) await this.#removeOld()
  }

  /** It is opened again when somebody writes to it. */
  async close(): Promise<void> {
    const stream = this.#stream
    this.#stream = undefined
    if (stream === undefined || stream.closed) return
    await new Promise<void>((resolve) => {
      stream.once('close', resolve)
      stream.destroy()
    })
  }

  /** Whoever wrote before us may have been cut off: his last line must not swallow our first. */
  async #onNewLine(text: string): Promise<string> {
    return this.#isWhole || !(await endsInsideLine(this.#path)) ? text : `\n${text}`
  }

  get #path(): string {
    return join(this.#folder, fileOf(this.#base, null))
  }

  async #size(): Promise<number> {
    const there = await stat(this.#path).catch(() => undefined)
    return there?.size ?? 0
  }

  /** That there are some too many is no reason to write nothing. */
  async #removeOld(): Promise<void> {
    await removeOld(this.#folder, this.#base, this.#plan()).catch(NOTHING)
  }

  #write(bytes: Buffer): Promise<void> {
    const stream = (this.#stream ??= this.#open())
    return new Promise((resolve, reject) => {
      stream.once('close', () => reject(stream.errored ?? new Error('the file was closed')))
      stream.write(bytes, (error) => {
        stream.removeAllListeners('close')
        if (error === null || error === undefined) resolve()
        else reject(error)
      })
    })
  }

  #open(): RotatingFileStream {
    const { maxSize, maxAge, maxFiles } = this.#plan()
    const name = basename(this.#base)
    const stream = createStream((time: number | Date | null, index?: number) => fileOf(name, dateOf(time), index), {
      path: join(this.#folder, dirname(this.#base)),
      size: `${Math.max(1, Math.floor(maxSize))}B`,
      mode: 0o600,
      ...(maxAge === undefined
        ? {}
        : {
            interval: intervalOf(maxAge / maxFiles),
            intervalBoundary: true,
            initialRotation: true,
            intervalUTC: true,
          }),
    })
    // Whoever writes is told.
    stream.on('error', NOTHING)
    stream.on('rotation', () => (this.#hasRotated = true))
    return stream
  }
}

/** What cannot be read is told to whoever writes to it. */
async function endsInsideLine(path: string): Promise<boolean> {
  const file = await open(path, 'r').catch(NOTHING)
  if (file === undefined) return false
  try {
    const { size } = await file.stat()
    const { buffer, bytesRead } = await file.read(Buffer.alloc(1), 0, 1, Math.max(0, size - 1))
    return bytesRead === 1 && buffer[0] !== NEWLINE
  } catch {
    return false
  } finally {
    await file.close()
  }
}

/** Periods after which a file makes room, in minutes: those that divide an hour or a day, as rotating-file-stream wants it. */
const PERIODS: readonly (readonly [minutes: number, name: string])[] = [
  ...[1, 5, 15, 30].map((minutes) => [minutes, `${minutes}m`] as const),
  ...[1, 3, 6, 12].map((hours) => [hours * 60, `${hours}h`] as const),
]

/** The shortest that is not shorter than so many milliseconds: the files that are kept reach back as far as they may. */
export function intervalOf(ms: number): string {
  const minutes = ms / 60_000
  const period = PERIODS.find(([length]) => length >= minutes)
  return period?.[1] ?? `${Math.ceil(minutes / 1440)}d`
}

function dateOf(time: number | Date | null): Date | null {
  return typeof time === 'number' ? new Date(time) : time
}

function diskFull(path: string): Error {
  return Object.assign(new Error(`ENOSPC: no space left on device, write '${path}'`), { code: 'ENOSPC' })
}

import { type FileHandle, open, stat } from 'node:fs/promises'
import { filesOf } from './names.ts'

const CHUNK = 64 * 1024
const NEWLINE = 10
/** A log that makes room all the time is read as it is. */
const PATIENCE = 10
/** A line longer than that is none of ours. */
const LONGEST = 4 * 1024 * 1024

/** The files of one base, opened: what is renamed or removed meanwhile is read all the same. */
export class OpenedFiles implements AsyncDisposable {
  readonly #files: readonly FileHandle[]

  private constructor(files: readonly FileHandle[]) {
    this.#files = files
  }

  /** Again, when one has made room for the next meanwhile: its name is another's then. */
  static async open(folder: string, base: string): Promise<OpenedFiles> {
    for (let attempt = 0; ; attempt++) {
      const files = await openAll(await filesOf(folder, base))
      const opened = await Promise.all(files.map((file) => file.stat()))
      const there = await Promise.all((await filesOf(folder, base)).map((path) => stat(path).catch(() => undefined)))
      const isSettled = there.length === opened.length && there.every((one, index) => one?.ino === opened[index]?.ino)
      if (isSettled || attempt === PATIENCE) return new OpenedFiles(files)
      await closeAll(files)
    }
  }

  /** Whole lines, the last one first. What is appended meanwhile is not among them. */
  async *backward(): AsyncGenerator<string> {
    for (const file of this.#files.toReversed()) yield* linesBackward(file)
  }

  /** Whole lines, the first one first, up to where the files end now. */
  async *forward(): AsyncGenerator<string> {
    for (const file of this.#files) yield* linesForward(file)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await closeAll(this.#files)
  }
}

async function openAll(paths: readonly string[]): Promise<readonly FileHandle[]> {
  const files: FileHandle[] = []
  for (const path of paths) {
    const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    })
    if (file !== undefined) files.push(file)
  }
  return files
}

async function closeAll(files: readonly FileHandle[]): Promise<void> {
  for (const file of files) await file.close()
}

/** What stands behind the last end of a line is being written, or was cut off: it is left out. */
async function* linesBackward(file: FileHandle): AsyncGenerator<string> {
  let end = (await file.stat()).size
  /** Up to the first end of a line that was found, or everything while there was none. */
  let rest: Buffer = Buffer.alloc(0)
  while (end > 0) {
    const start = Math.max(0, end - CHUNK)
    const bytes = Buffer.concat([await readAt(file, start, end - start), rest])
    const first = start === 0 ? -1 : bytes.indexOf(NEWLINE)
    const isOpen = start > 0 && first === -1
    if (!isOpen)
      for (const line of bytes
        .toString('utf8', first + 1)
        .split('\n')
        .toReversed()
        .slice(1))
        yield line
    rest = isOpen && bytes.length <= LONGEST ? bytes : bytes.subarray(0, first + 1)
    end = start
  }
}

async function* linesForward(file: FileHandle): AsyncGenerator<string> {
  const { size } = await file.stat()
  let rest: Buffer = Buffer.alloc(0)
  for (let start = 0; start < size; start += CHUNK) {
    const bytes = Buffer.concat([rest, await readAt(file, start, Math.min(CHUNK, size - start))])
    const last = bytes.lastIndexOf(NEWLINE)
    if (last !== -1) yield* bytes.toString('utf8', 0, last).split('\n')
    rest = bytes.subarray(last + 1)
    if (rest.length > LONGEST) rest = rest.subarray(0, 0)
  }
}

async function readAt(file: FileHandle, start: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, start)
  return buffer.subarray(0, bytesRead)
}

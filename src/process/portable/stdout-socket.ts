import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { type Server, type Socket, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ReadSocket } from '../read-socket.ts'

/**
 * One UNIX socket per worker, whose far end becomes its stdout.
 *
 * `child_process` can make such a pair itself, but then Node allocates memory for each read. A socket that Node
 * connects can be given a buffer (`onread`), which halves the cost of reading. One direction only: were stdin on the same
 * socket, every read of ours would wake a worker that waits for input.
 */
export class StdoutSockets {
  readonly folder: string
  #server: Promise<Server> | undefined
  #servers = 0
  #last: Promise<unknown> = Promise.resolve()
  #pending: PromiseWithResolvers<Socket> | undefined
  #closed = false

  constructor() {
    this.folder = mkdtempSync(join(shortTmpdir(), 'pagent-'))
    chmodSync(this.folder, 0o700)
  }

  /** A fresh pair: what the worker gets, and what we read. One at a time, so that the two belong together. */
  open(): Promise<{ far: Socket; near: StdoutSource }> {
    const opened = this.#last.then(() => this.#connect())
    this.#last = opened.catch(() => {})
    return opened
  }

  /** Those who still wait for a pair get none. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#last
    await this.#dropServer()
    try {
      rmSync(this.folder, { recursive: true, force: true })
    } catch {
      // Without file descriptors it cannot be read; an empty folder is left.
    }
  }

  async #connect(): Promise<{ far: Socket; near: StdoutSource }> {
    if (this.#closed) throw new Error('the launcher was closed meanwhile')
    await (this.#server ??= this.#listen())
    const pending = (this.#pending = Promise.withResolvers<Socket>())
    const near = new StdoutSource(this.#path, pending.reject)
    try {
      return { far: await pending.promise, near }
    } catch (error) {
      near.destroy()
      // A connection that was made and not accepted would be taken for the next one.
      await this.#dropServer()
      throw error
    } finally {
      this.#pending = undefined
      near.connected()
    }
  }

  get #path(): string {
    return join(this.folder, `stdout-${this.#servers}`)
  }

  #listen(): Promise<Server> {
    this.#servers++
    mkdirSync(this.folder, { recursive: true, mode: 0o700 })
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (far) => {
      far.on('error', () => {})
      if (this.#pending === undefined) far.destroy()
      else this.#pending.resolve(far)
    })
    return new Promise((resolve, reject) => {
      server.on('error', (error) => {
        this.#pending?.reject(error)
        reject(error)
      })
      server.listen(this.#path, () => resolve(server))
      server.unref()
    })
  }

  async #dropServer(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    await server?.then(
      (listening) => new Promise((resolve) => listening.close(resolve)),
      () => {},
    )
  }
}

/** The name of a UNIX socket has at most 104 bytes, on Linux 108. */
function shortTmpdir(): string {
  const folder = tmpdir()
  return folder.length <= 75 ? folder : '/tmp'
}

/** The end we read. */
export class StdoutSource extends ReadSocket {
  #onFailure: ((error: Error) => void) | undefined

  /** `onFailure` is called when the connection cannot be made, or breaks before it is used. */
  constructor(path: string, onFailure: (error: Error) => void) {
    super({ allowHalfOpen: false })
    this.#onFailure = onFailure
    this.connect({ path })
    this.on('error', (error) => this.#onFailure?.(error))
    this.on('close', () =>
      this.#onFailure?.(Object.assign(new Error('the connection was dropped'), { code: 'EMFILE' })),
    )
  }

  /** Both ends are known: what held them together is let go, or it would keep the far one as long as this. */
  connected(): void {
    this.#onFailure = undefined
  }
}

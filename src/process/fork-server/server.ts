import { type ChildProcess, spawn } from 'node:child_process'
import { constants, openSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import { getSystemErrorName } from 'node:util'
import { SpawnError } from '../../base/errors.ts'
import type { LaunchCommand } from '../launcher.ts'
import { type Abilities, type AppliedLimits, applyLimits } from '../limits.ts'
import { abilitiesOf } from './abilities.ts'
import { forkServerPath } from './binary.ts'
import { failed } from './failure.ts'
import { ForkedProcess } from './forked-process.ts'
import {
  COMMAND,
  FRAME,
  FrameReader,
  LARGEST_REQUEST,
  PROTOCOL,
  STAGES,
  decodeExited,
  decodeHello,
  decodeUsage,
  encodeCommand,
  encodeRequest,
  encodeWords,
} from './protocol.ts'
import { ReadSocket } from '../read-socket.ts'
import { PipeSink } from './pipe-sink.ts'
import { type ServerOfMany, ServerSide } from './server-side.ts'

/** Asked for, and not answered yet. */
interface Asked {
  readonly command: LaunchCommand
  readonly limits: AppliedLimits
  readonly answer: PromiseWithResolvers<ForkedProcess>
}

/** One fork server, from its start to its end. */
export class Server implements ServerOfMany {
  /** Resolves when it and everything it had started are gone. */
  readonly ended: Promise<void>
  readonly #guardian: ChildProcess
  readonly #commands: Writable
  readonly #reader = new FrameReader((type, id, body) => this.#onFrame(type, id, body))
  readonly #onEnd: () => void
  /** Where it says hello, and then what it has opened for all other news. */
  #news: Readable & { ref?(): void; unref?(): void }
  readonly #hello = Promise.withResolvers<Abilities>()
  readonly #asked = new Map<number, Asked>()
  readonly #running = new Map<number, ForkedProcess>()
  #abilities: Abilities | undefined
  /** Where its descriptors can be opened. */
  descriptors = ''
  #lastId = 0
  #waiting: Buffer[] = []
  #lost: Error | undefined

  /** `onLost` is called once, when it can start nothing any more. */
  constructor(onLost: (server: Server) => void) {
    this.#guardian = spawn(forkServerPath(), [], {
      cwd: '/',
      argv0: 'pagent-fork-server',
      // For workers that inherit them, ours come last.
      stdio: ['pipe', 'pipe', 'inherit', 0, 1, 2],
    })
    this.#commands = this.#guardian.stdin as Writable
    this.#news = this.#guardian.stdout as Readable
    this.#hello.promise.catch(() => {})
    const lose = (why: string): void => {
      if (this.#lost !== undefined) return
      this.#lose(new Error(why))
      onLost(this)
    }
    this.#onEnd = () => lose('the fork server has ended')
    this.#guardian.on('error', (error) => lose(`the fork server could not be started: ${error.message}`))
    this.ended = new Promise((resolve) => {
      this.#guardian.on('error', () => resolve())
      this.#guardian.on('exit', () => resolve())
    })
    if (this.#guardian.pid === undefined) return
    this.#commands.on('error', () => {})
    this.#news.on('error', () => {}).on('close', this.#onEnd)
    this.#news.on('data', (chunk: Buffer) => this.#reader.push(chunk))
    this.#guardian.unref()
    this.#unref(this.#commands)
    this.#keepAlive()
  }

  get running(): number {
    return this.#running.size
  }

  abilities(): Promise<Abilities> {
    return this.#hello.promise
  }

  async launch(command: LaunchCommand): Promise<ForkedProcess> {
    const abilities = this.#abilities ?? (await this.#meet(command))
    const limits = applyLimits(command.worker, command.limits, abilities)
    const id = this.#nextId()
    const request = encodeRequest(id, command)
    if (request.length > LARGEST_REQUEST) throw failed(command, 'exec', 'E2BIG')
    if (this.#lost !== undefined) throw failed(command, 'connection', 'EAGAIN')
    const answer = Promise.withResolvers<ForkedProcess>()
    this.#asked.set(id, { command, limits, answer })
    this.#keepAlive()
    this.#write(request)
    return answer.promise
  }

  /** Ends every tree and itself. */
  async close(): Promise<void> {
    this.#guardian.ref()
    this.#commands.end()
    await this.ended
  }

  async #meet(command: LaunchCommand): Promise<Abilities> {
    try {
      return await this.abilities()
    } catch (cause) {
      const why = `${(cause as Error).message}; set PAGENT_LAUNCHER=portable to do without`
      throw new SpawnError(command.worker, command.file, 'fork-server', why, { cause })
    }
  }

  #nextId(): number {
    do this.#lastId = (this.#lastId + 1) >>> 0
    while (this.#asked.has(this.#lastId) || this.#running.has(this.#lastId))
    return this.#lastId
  }

  #onFrame(type: number, id: number, body: Buffer): void {
    if (type === FRAME.started) this.#onStarted(id, body.readInt32LE(0), body.readInt32LE(4))
    else if (type === FRAME.failed) this.#onFailed(id, body)
    else if (type === FRAME.hello) this.#onHello(body)
    else this.#onNews(this.#running.get(id), type, body)
  }

  #onNews(process: ForkedProcess | undefined, type: number, body: Buffer): void {
    if (type === FRAME.stdin) process?.onInput(body.readUInt32LE(0), body.readInt32LE(4))
    else if (type >= FRAME.stdoutFull) process?.onOutputFull(type - FRAME.stdoutFull, body.readInt32LE(0))
    else if (type >= FRAME.stdoutEnd) process?.onOutputEnd(type - FRAME.stdoutEnd)
    else if (type >= FRAME.stdout) process?.onOutput(type - FRAME.stdout, body)
    else if (type === FRAME.exited) process?.onExited(decodeExited(body))
    else if (type === FRAME.usage) process?.onUsage(decodeUsage(body))
  }

  #onHello(body: Buffer): void {
    const hello = decodeHello(body)
    this.descriptors = `/proc/${hello.get('pid')}/fd`
    try {
      checkProtocol(hello.get('protocol'))
      this.#follow(`${this.descriptors}/${hello.get('news')}`)
    } catch (error) {
      this.#hello.reject(error)
      return void this.#commands.end()
    }
    this.#abilities = abilitiesOf(hello)
    this.#hello.resolve(this.#abilities)
    this.#keepAlive()
  }

  /** Reads its news without an allocation per read. */
  #follow(path: string): void {
    const news = new ReadSocket({ fd: openPipe(path), readable: true, writable: false })
    news.on('error', () => {})
    news.start((chunk) => {
      this.#reader.push(chunk as Buffer)
      return true
    }, this.#onEnd)
    this.#news.removeListener('close', this.#onEnd).destroy()
    this.#news = news
  }

  #onStarted(id: number, pid: number, stdin: number): void {
    const asked = this.#asked.get(id)
    if (asked === undefined) return this.tell(COMMAND.release, id, 0)
    const { command, limits, answer } = asked
    this.#asked.delete(id)
    const life = new ServerSide(this, id)
    const sink = stdin < 0 ? undefined : new PipeSink(life, stdin)
    const process = new ForkedProcess(pid, sink, command, limits, life)
    this.#running.set(id, process)
    answer.resolve(process)
  }

  #onFailed(id: number, body: Buffer): void {
    const asked = this.#asked.get(id)
    if (asked === undefined) return
    const stage = STAGES[body.readUInt32LE(0)] ?? 'request'
    this.#refuse(id, failed(asked.command, stage, getSystemErrorName(-body.readInt32LE(4))))
  }

  #refuse(id: number, error: Error): void {
    const asked = this.#asked.get(id)
    this.#asked.delete(id)
    asked?.answer.reject(error)
    this.#keepAlive()
  }

  forget(id: number): void {
    this.#running.delete(id)
    this.#keepAlive()
  }

  /** Commands of one tick leave in one write. */
  tell(command: number, id: number, argument: number): void {
    this.#write(encodeCommand(command, id, argument))
  }

  say(id: number, words: string | Uint8Array, length: number): void {
    this.#write(encodeWords(id, words, length))
  }

  #write(bytes: Buffer): void {
    if (this.#waiting.push(bytes) > 1) return
    queueMicrotask(() => {
      const commands = this.#waiting
      this.#waiting = []
      const [first] = commands
      if (this.#lost === undefined) this.#commands.write(commands.length === 1 ? first : Buffer.concat(commands))
    })
  }

  #lose(error: Error): void {
    this.#lost = error
    this.#hello.reject(error)
    for (const [id, { command }] of this.#asked) this.#refuse(id, failed(command, 'connection', 'EAGAIN'))
    for (const process of this.#running.values()) process.onLost(error)
  }

  /** Somebody who waits for a worker waits for us; an idle server must not keep this process alive. */
  #keepAlive(): void {
    if (this.#lost !== undefined) return
    if (this.#abilities === undefined || this.#asked.size + this.#running.size > 0) this.#news.ref?.()
    else this.#unref(this.#news)
  }

  #unref(stream: (Readable | Writable) & { unref?(): void }): void {
    stream.unref?.()
  }
}

function checkProtocol(protocol = 'an older one'): void {
  if (protocol === PROTOCOL) return
  throw new Error(
    `the fork server ${forkServerPath()} is of another version of pagent (its protocol is ${protocol}, not ${PROTOCOL}); build it again by npm run build`,
  )
}

function openPipe(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    throw new Error(`the descriptors of the fork server cannot be opened: ${String(error)}`, { cause: error })
  }
}

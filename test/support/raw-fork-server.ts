import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { constants, openSync, readFileSync, readdirSync } from 'node:fs'
import { Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import type { LaunchCommand } from '../../src/index.ts'
import { forkServerPath } from '../../src/process/fork-server/binary.ts'
import {
  COMMAND,
  FRAME,
  FrameReader,
  WISH,
  decodeHello,
  encodeCommand,
  encodeRequest,
} from '../../src/process/fork-server/protocol.ts'
import { eventually } from './processes.ts'
import { stretched } from './scale.ts'

const PATIENCE = stretched(20_000)

/** A frame other than one with output, of which only the bytes are counted. */
export interface Frame {
  readonly type: number
  readonly id: number
  readonly body: Buffer
}

/** The fork server as a program: its connection in the hand, and everything it says on record. */
export class RawForkServer {
  readonly guardian: number
  readonly frames: Frame[] = []
  /** How many bytes of stdout and stderr have come, for each id. */
  readonly stdout = new Map<number, number>()
  readonly stderr = new Map<number, number>()
  /** Whether who has said a lot may say more at once. */
  wantsMore = true
  news: Readable
  readonly commands: Writable
  readonly #reader = new FrameReader((type, id, body) => this.#take(type, id, body))
  readonly #child: ChildProcess
  readonly #exited: Promise<number | null>
  #hello: ReadonlyMap<string, string> = new Map()
  #lastId = 0

  /** `before` runs before it and in the same process: `ulimit -n 40`. */
  constructor(before = ':') {
    const stdio = ['pipe', 'pipe', 'inherit', 0, 1, 2] as const
    this.#child = spawn('sh', ['-c', `${before}; exec "$0"`, forkServerPath()], { cwd: '/', stdio: [...stdio] })
    this.guardian = this.#child.pid as number
    this.commands = this.#child.stdin as Writable
    this.news = this.#child.stdout as Readable
    this.#exited = new Promise((resolve) => this.#child.on('exit', resolve))
    this.#follow(this.news)
    this.commands.on('error', ignore)
  }

  #follow(news: Readable): void {
    this.news = news.on('data', (chunk: Buffer) => this.#reader.push(chunk)).on('error', ignore)
  }

  #take(type: number, id: number, body: Buffer): void {
    if (type === FRAME.stdout) count(this.stdout, id, body)
    else if (type === FRAME.stderr) count(this.stderr, id, body)
    else if (type === FRAME.stderrFull && this.wantsMore) this.tell('stderr', id, WISH.more)
    else if (type === FRAME.stdoutFull && this.wantsMore) this.tell('stdout', id, WISH.more)
    else if (type === FRAME.hello) this.#meet(decodeHello(body))
    else this.frames.push({ type, id, body: Buffer.from(body) })
  }

  #meet(hello: ReadonlyMap<string, string>): void {
    this.#hello = hello
    this.news.destroy()
    const path = `/proc/${this.pid}/fd/${hello.get('news')}`
    this.#follow(new Socket({ fd: openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), writable: false }))
  }

  get pid(): number {
    return Number(this.#hello.get('pid'))
  }

  ready(): Promise<void> {
    return this.until(() => this.#hello.size > 0, 'it says hello')
  }

  nextId(): number {
    return ++this.#lastId
  }

  /** Asks for a worker, and does not wait for it. */
  ask(command: LaunchCommand, id = this.nextId()): number {
    this.commands.write(encodeRequest(id, command))
    return id
  }

  /** A worker that runs: its process id. */
  async run(command: LaunchCommand): Promise<{ readonly id: number; readonly pid: number }> {
    const id = this.ask(command)
    const { type, body } = await this.frame(id, FRAME.started, FRAME.failed)
    assert.equal(type, FRAME.started, `failed: ${body.toString('hex')}`)
    return { id, pid: body.readInt32LE(0) }
  }

  /** It does what it is there for. */
  async assertWorks(): Promise<void> {
    const { id } = await this.run(shell('printf ok >&2; exit 7'))
    const { body } = await this.frame(id, FRAME.exited)
    await this.frame(id, FRAME.stderrEnd)
    await this.frame(id, FRAME.stdoutEnd)
    assert.deepEqual([body.readUInt32LE(0), this.stderr.get(id)], [7 << 8, 2])
    this.tell('release', id)
  }

  tell(command: keyof typeof COMMAND, id: number, argument = 0): void {
    this.commands.write(encodeCommand(COMMAND[command], id, argument))
  }

  /** Takes the first frame of one of the types about a worker from the record. */
  async frame(id: number, ...types: number[]): Promise<Frame> {
    const isIt = (frame: Frame): boolean => frame.id === id && types.includes(frame.type)
    await this.until(() => this.frames.some(isIt), `a frame ${types.join('/')} about ${id}`)
    return this.frames.splice(this.frames.findIndex(isIt), 1)[0] as Frame
  }

  until(done: () => boolean, what: string): Promise<void> {
    return eventually(done, PATIENCE, () => `${what}: not so; heard ${JSON.stringify(this.frames.slice(-5))}`)
  }

  descriptors(): number {
    return readdirSync(`/proc/${this.pid}/fd`).length
  }

  /** Bytes. */
  memory(): number {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.pid}/status`, 'latin1'))?.[1]) * 1024
  }

  /** Milliseconds. */
  cpuTime(): number {
    return Number(readFileSync(`/proc/${this.pid}/schedstat`, 'latin1').split(' ')[0]) / 1e6
  }

  get isEnding(): boolean {
    return this.commands.writableEnded
  }

  /** Ends it as a master does; it must end in order. */
  async end(): Promise<void> {
    this.commands.end()
    this.news.resume()
    assert.equal(await this.#exited, 0)
    this.news.destroy()
  }
}

function count(bytes: Map<number, number>, id: number, { length }: Buffer): void {
  bytes.set(id, (bytes.get(id) ?? 0) + length)
}

/** What asks for a shell with a script. */
export function shell(script: string, other: Partial<LaunchCommand> = {}): LaunchCommand {
  const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin' }
  const streams = { stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' } as const
  return { worker: 'raw', file: 'sh', path: '/bin/sh', args: ['-c', script], cwd: '/', env, ...streams, ...other }
}

function ignore(): void {}

import type { LimitName, Usage } from '../../base/exit.ts'
import type { LaunchCommand } from '../launcher.ts'
import type { SystemLimits } from '../limits.ts'

// The other side is native/request.h, native/news.h, native/commands.c and native/input.c. All numbers are little-endian.

/** Counts up with each change of what is said. The other side is in native/forkserver.c. */
export const PROTOCOL = '4'

/** What the fork server is told. */
export const COMMAND = {
  signal: 1,
  release: 2,
  measure: 3,
  closeStdin: 4,
  widenStdin: 5,
  stdout: 6,
  stderr: 7,
  start: 8,
  say: 9,
  look: 10,
} as const

/** What is wanted of a stream that is full: as much again, or that it is ours to read from now on, by a wide pipe. */
export const WISH = { more: 0, handOver: 1, handOverWide: 2 } as const

/** What the fork server tells. */
export const FRAME = {
  hello: 0,
  started: 1,
  failed: 2,
  exited: 3,
  usage: 4,
  stdout: 5,
  stderr: 6,
  stdoutEnd: 7,
  stderrEnd: 8,
  stdoutFull: 9,
  stderrFull: 10,
  stdin: 11,
} as const

/** Where a start failed, in the order of `enum stage`. */
export const STAGES = ['request', 'pipe', 'cgroup', 'fork', 'session', 'rlimit', 'cwd', 'exec'] as const

/** In the order of `enum limit`. */
const LIMITS = [undefined, 'memory', 'cpuTime', 'cpus', 'processes', 'openFiles', 'fileSize'] as const

/** In the order of `enum enforcer`. */
export const ENFORCERS = [undefined, 'cgroup2', 'cgroup1', 'rlimit', 'sampling'] as const

/** So much may be on its way to a worker by way of the fork server, and unread: what every pipe can take. */
export const INPUT_MOST = 4096

/** Larger than any argument list and environment that Linux takes. */
export const LARGEST_REQUEST = 8 << 20

const STREAM = { pipe: 0, inherit: 1, ignore: 2 } as const
/** Streams, two counts, six limits. */
const FIXED = 4 + 8 + 48
const COMMAND_LENGTH = 12
const AT_LIMITS = COMMAND_LENGTH + 12
const FRAME_HEADER = 12

/** The command that starts a worker. */
export function encodeRequest(id: number, command: LaunchCommand): Buffer {
  const { file, args, path, cwd, limits } = command
  const env = encodeEnvironment(command.env)
  let texts = `${path}\0${cwd}\0${file}\0`
  for (const arg of args) texts += `${arg}\0`
  const length = FIXED + Buffer.byteLength(texts) + env.bytes.length
  const request = Buffer.allocUnsafe(COMMAND_LENGTH + length)
  writeCommand(request, COMMAND.start, id, length)
  request[12] = STREAM[command.stdin]
  request[13] = STREAM[command.stdout]
  request[14] = STREAM[command.stderr]
  request[15] = 0
  request.writeUInt32LE(args.length + 1, 16)
  request.writeUInt32LE(env.count, 20)
  if (limits === undefined) request.fill(0xff, AT_LIMITS, AT_LIMITS + 48)
  else writeLimits(request, limits)
  request.write(texts, COMMAND_LENGTH + FIXED)
  request.set(env.bytes, request.length - env.bytes.length)
  return request
}

interface EncodedEnvironment {
  readonly bytes: Buffer
  readonly count: number
}

/** Most workers that are started in one turn have the same environment. */
const encoded = new WeakMap<LaunchCommand['env'], EncodedEnvironment>()

function encodeEnvironment(env: LaunchCommand['env']): EncodedEnvironment {
  const known = encoded.get(env)
  if (known !== undefined) return known
  let texts = ''
  let count = 0
  for (const name in env) {
    texts += `${name}=${env[name]}\0`
    count++
  }
  const made = { bytes: Buffer.from(texts), count }
  encoded.set(env, made)
  return made
}

function writeLimits(request: Buffer, limits: SystemLimits): void {
  const { memory, cpuTime, cpus, processes, openFiles, fileSize } = limits
  const values = [memory, times(cpuTime, 1000), times(cpus, 1000), processes, openFiles, fileSize]
  values.forEach((value, i) => writeUInt64(request, value, AT_LIMITS + 8 * i))
}

function times(value: number | undefined, factor: number): number | undefined {
  return value === undefined ? undefined : Math.round(value * factor)
}

/** All bits set: no limit; what is beyond all measure is none either. */
function writeUInt64(target: Buffer, value = Infinity, at: number): void {
  const isLimit = value < 2 ** 63
  target.writeUInt32LE(isLimit ? value % 2 ** 32 : 0xffff_ffff, at)
  target.writeUInt32LE(isLimit ? Math.floor(value / 2 ** 32) : 0xffff_ffff, at + 4)
}

/** A command about one worker. */
export function encodeCommand(command: number, id: number, argument: number): Buffer {
  const frame = Buffer.allocUnsafe(COMMAND_LENGTH)
  writeCommand(frame, command, id, argument)
  return frame
}

/** Words for a worker: text or bytes, of which there are so many. */
export function encodeWords(id: number, words: string | Uint8Array, length: number): Buffer {
  const frame = Buffer.allocUnsafe(COMMAND_LENGTH + length)
  writeCommand(frame, COMMAND.say, id, length)
  if (typeof words === 'string') frame.write(words, COMMAND_LENGTH)
  else frame.set(words, COMMAND_LENGTH)
  return frame
}

function writeCommand(frame: Buffer, command: number, id: number, argument: number): void {
  frame.writeUInt32LE(command, 0)
  frame.writeUInt32LE(id, 4)
  frame.writeUInt32LE(argument, 8)
}

/** Cuts what the fork server writes into frames. The body is valid during the call only. */
export class FrameReader {
  readonly #onFrame: (type: number, id: number, body: Buffer) => void
  #rest: Buffer | undefined

  constructor(onFrame: (type: number, id: number, body: Buffer) => void) {
    this.#onFrame = onFrame
  }

  push(chunk: Buffer): void {
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk])
    let at = 0
    while (bytes.length - at >= FRAME_HEADER) {
      const end = at + FRAME_HEADER + bytes.readUInt32LE(at)
      if (end > bytes.length) break
      this.#onFrame(bytes.readUInt32LE(at + 4), bytes.readUInt32LE(at + 8), bytes.subarray(at + FRAME_HEADER, end))
      at = end
    }
    // The chunk may be read into again.
    this.#rest = at === bytes.length ? undefined : Buffer.from(bytes.subarray(at))
  }
}

/** How a worker's process ended, as the fork server tells it. */
export interface ExitedFrame {
  /** As from wait(2). */
  readonly status: number
  readonly broken:
    | { readonly limit: LimitName; readonly enforcedBy: (typeof ENFORCERS)[number]; observed: number }
    | undefined
  readonly systemOom: boolean
  readonly usage: Usage
}

export function decodeExited(body: Buffer): ExitedFrame {
  const limit = LIMITS[body.readUInt8(4)]
  const observed = readUInt64(body, 8)
  const broken =
    limit === undefined
      ? undefined
      : { limit, enforcedBy: ENFORCERS[body.readUInt8(5)], observed: limit === 'cpuTime' ? observed / 1000 : observed }
  return { status: body.readUInt32LE(0), broken, systemOom: body[6] === 1, usage: decodeUsage(body.subarray(16)) }
}

export function decodeUsage(body: Buffer): Usage {
  return {
    cpuTime: readUInt64(body, 0) / 1000,
    memory: readUInt64(body, 8),
    memoryPeak: readUInt64(body, 16),
    processes: readUInt64(body, 24),
  }
}

/** All bits set: nobody knows. */
function readUInt64(body: Buffer, at: number): number {
  const low = body.readUInt32LE(at)
  const high = body.readUInt32LE(at + 4)
  return low === 0xffff_ffff && high === 0xffff_ffff ? 0 : high * 2 ** 32 + low
}

/** The lines `name=value` of the first frame. */
export function decodeHello(body: Buffer): ReadonlyMap<string, string> {
  const lines = body.toString().split('\n')
  return new Map(
    lines
      .filter((line) => line !== '')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )
}

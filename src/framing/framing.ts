import { FramingError } from '../base/errors.ts'
import { checkKeys } from '../base/options.ts'
import { type Bytes, formatBytes, parseBytes } from '../base/units.ts'

/** Receives each message in order. It never throws into a decoder. */
export type Emit<M> = (message: M) => void

/**
 * Receives what was not a whole message while the stream goes on: a message that
 * was skipped, or (`unterminated`) the notice that the next one lacked its end.
 */
export type Report = (notice: FramingError) => void

/**
 * Turns chunks into messages. One per stream; throws `FramingError` when the
 * stream cannot go on, after it has emitted every message before the fault.
 *
 * A chunk belongs to the caller again when `push` returns, so a decoder copies
 * what it keeps, and every emitted message is the receiver's own.
 */
export interface Decoder<M> {
  push(chunk: Uint8Array, emit: Emit<M>): void
  /** The stream ended; emits what is left of it. */
  end(emit: Emit<M>): void
}

/** A way to write messages as bytes: pure, without state, shared by any number of streams. */
export interface Framing<In, Out = In> {
  readonly name: string
  /** Its messages may be large: more of a stream is read at a time. @default false */
  readonly large?: boolean
  decoder(report?: Report): Decoder<In>
  /** Throws `FramingError` (`unencodable`, `too-long`) for a message the framing cannot carry. */
  encode(message: Out): Uint8Array | string
  /** The same, in memory that it uses again for the next message; for who copies what he gets at once. */
  readonly lend?: (message: Out) => Uint8Array | string
  /**
   * Writes the bytes of a message right behind those that are in `room`. False for one that is to be encoded instead: nothing
   * is written then.
   */
  readonly encodeInto?: (message: Out, room: Room) => boolean
}

/** Memory that messages are written into, one behind the other. */
export interface Room {
  readonly bytes: Uint8Array
  /** So many of them are taken. */
  used: number
}

/** What happens to a message above `maxLength`: the stream ends with an error, or the message is dropped and reported. */
export type OverlongPolicy = 'fail' | 'skip'

export const LINE_MAX: number = 2 ** 20
export const BLOCK_MAX: number = 16 * 2 ** 20

/** @throws TypeError for options that the framing does not have. */
export function checkOptions<O extends object>(
  framing: string,
  options: O,
  known: readonly (keyof O & string)[],
): void {
  checkKeys(options, known, `Cannot make ${framing}()`)
}

/** Reads the option every framing has. */
export function readMaxLength(value: Bytes | undefined, fallback: number): number {
  const max = parseBytes(value ?? fallback, 'maxLength')
  if (max >= 1 && max <= 2 ** 30) return max
  throw new RangeError(`Cannot use ${String(value)} as maxLength: expected 1B to 1GiB`)
}

/** Reads a choice between the two policies; true for `'skip'`. */
export function readSkip(value: OverlongPolicy | undefined, what: string): boolean {
  if (value === undefined || value === 'fail') return false
  if (value === 'skip') return true
  throw new TypeError(`Cannot use ${JSON.stringify(value)} as ${what}: expected 'fail' or 'skip'`)
}

/** In whole bytes, because one too many shows in nothing else. */
export function tooLong(framing: string, length: number, max: number): FramingError {
  const allowed = max < 1024 ? `${max} bytes` : `${max} bytes (${formatBytes(max)})`
  return new FramingError(
    framing,
    'too-long',
    `a message of ${length} bytes or more is longer than maxLength, which is ${allowed} for ${framing}`,
    { length },
  )
}

/** The notice before a last message that lacked its end and is delivered all the same. */
export function unterminated(framing: string): FramingError {
  return new FramingError(framing, 'unterminated', 'the stream ended in the middle of a line')
}

/** An own copy of part of a chunk, whose memory is about to be used again. */
export function copyOf(bytes: Uint8Array, from: number, to: number): Uint8Array {
  const copy = new Uint8Array(to - from)
  copy.set(bytes.subarray(from, to))
  return copy
}

/** A byte order mark in the middle of a stream is data. */
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })
const encoder = new TextEncoder()
/** Undefined where there is no Node: this folder imports nothing of it. */
const NodeBuffer = globalThis.Buffer as typeof Buffer | undefined

/** The text of `[from, to)`. For the short chunks of a conversation a Buffer's own decoder takes half the time. */
export function decodeUtf8(bytes: Uint8Array, from = 0, to: number = bytes.length): string {
  if (NodeBuffer !== undefined && bytes instanceof NodeBuffer) return bytes.toString('utf8', from, to)
  return utf8.decode(bytes.subarray(from, to))
}
export const encodeUtf8 = (text: string): Uint8Array => encoder.encode(text)

/** JSON text of a message; refuses what JSON would drop. */
export function toJson(framing: string, message: unknown): string {
  let text: string | undefined
  try {
    text = JSON.stringify(message)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw unencodable(framing, `the message cannot be written as JSON (${why})`, cause)
  }
  if (text !== undefined) return text
  throw unencodable(
    framing,
    `${message === undefined ? '' : 'a '}${typeof message} cannot be written as JSON; send null or an object`,
  )
}

export function unencodable(framing: string, why: string, cause?: unknown): FramingError {
  return new FramingError(framing, 'unencodable', why, { cause })
}

import type { Bytes } from '../../base/units.ts'
import {
  BLOCK_MAX,
  type Framing,
  type OverlongPolicy,
  encodeUtf8,
  readMaxLength,
  readSkip,
  toJson,
  tooLong,
  unencodable,
} from '../framing.ts'
import { jsonDecoders } from '../json.ts'
import { RpcDecoder } from '../json-rpc/decoder.ts'
import { RpcWriter } from '../json-rpc/write.ts'
import { HEADER, StructuredDecoder, writeHeader } from './decoder.ts'
import { suitsJson } from './suits-json.ts'
import { pathToUnclonable } from './unclonable.ts'
import { serialize } from './writer.ts'

export interface StructuredOptions {
  /** Longest message in bytes, whichever way it is written. @default '16MiB' */
  readonly maxLength?: Bytes | undefined
  /** `'skip'` drops a longer message that comes, and reports it, instead of ending the stream. @default 'fail' */
  readonly onOverlong?: OverlongPolicy | undefined
  /** `'skip'` drops what comes and is no message, and reports it: a line of a log, for one. @default 'fail' */
  readonly onInvalid?: OverlongPolicy | undefined
}

/**
 * From one JavaScript to another: carries what JSON cannot, as `structuredClone` does. Bytes (`Uint8Array`, `Buffer`,
 * the other typed arrays, `ArrayBuffer`), `Map`, `Set`, `Date`, `BigInt`, `RegExp`, `Error`, undefined, NaN, -0,
 * infinities and cycles arrive as what they were.
 *
 * A message that JSON carries without a change, and without long strings, is a line as `jsonRpc()` writes it. Any other
 * is a byte 0, the length in four bytes (big-endian), and the value. Of a view only the bytes it shows are sent, and it
 * arrives with memory of its own; a `Buffer` arrives as a `Buffer`. An instance of a class arrives as a plain object of
 * its members; names given to an array, and the identity of an object that a message holds twice, may be lost.
 * Functions, symbols and what else cannot be cloned are refused.
 *
 * ```ts
 * import { structured } from 'pagent/framing'
 * const framing = structured()
 * const frame = framing.encode(new Map([['bytes', Uint8Array.of(1, 2)]])) as Uint8Array
 * framing.decoder().push(frame, (got) => console.log(got)) // → Map(1) { 'bytes' => Uint8Array(2) [ 1, 2 ] }
 * ```
 *
 * @throws RangeError for a `maxLength` that is none, TypeError for another policy than `'fail'` and `'skip'`
 */
export function structured<I = unknown, O = I>(options: StructuredOptions = {}): Framing<I, O> {
  const makeText = jsonDecoders('structured', options, BLOCK_MAX)
  const max = readMaxLength(options.maxLength, BLOCK_MAX)
  const skips = {
    overlong: readSkip(options.onOverlong, 'onOverlong'),
    invalid: readSkip(options.onInvalid, 'onInvalid'),
  }
  const writer = new RpcWriter(max)
  const encode = (message: O, lent: boolean): string | Uint8Array =>
    suitsJson(message) ? encodeLine(toJson('structured', message), max) : encodeFrame(message, max, lent)
  return {
    name: 'structured',
    large: true,
    decoder: (report) => new StructuredDecoder<I>(new RpcDecoder(makeText(report), max), max, skips, report),
    encode: (message) => encode(message, false),
    lend: (message) => encode(message, true),
    encodeInto: (message, room) => writer.write(message, room),
  }
}

function encodeLine(text: string, max: number): string {
  // Three bytes a character are the most.
  if (text.length * 3 > max) {
    const { length } = encodeUtf8(text)
    if (length > max) throw tooLong('structured', length, max)
  }
  return `${text}\n`
}

function encodeFrame(message: unknown, max: number, lent: boolean): Uint8Array {
  const frame = serialized(message, lent)
  const length = frame.length - HEADER
  if (length > max) throw tooLong('structured', length, max)
  writeHeader(frame, length)
  return frame
}

function serialized(message: unknown, lent: boolean): Uint8Array {
  try {
    return serialize(message, HEADER, lent)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw unencodable('structured', `${pathToUnclonable(message)} cannot be cloned (${why})`, cause)
  }
}

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import type { FramingError } from '../../src/base/errors.ts'
import type { Decoder, Framing } from '../../src/framing/framing.ts'
import { assertSame } from '../support/assert-same.ts'
import { bytesTouched } from '../support/bytes-touched.ts'

/** What came out of a stream: the messages, what was reported, and the fault that ended it. */
export interface Decoded<M> {
  readonly messages: M[]
  readonly notices: FramingError[]
  readonly fault: FramingError | undefined
}

const encoder = new TextEncoder()

export const bytesOf = (text: string): Uint8Array => encoder.encode(text)

/** The bytes a framing writes, as one stream. */
export function encodeAll<M>(framing: Framing<any, M>, messages: readonly M[]): Uint8Array {
  return joinBytes(messages.map((message) => toBytes(framing.encode(message))))
}

export function toBytes(frame: string | Uint8Array): Uint8Array {
  return typeof frame === 'string' ? bytesOf(frame) : frame
}

export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}

/** Cuts a stream into chunks of these sizes, over and over. */
export function chop(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = []
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = Math.max(1, sizes[i % sizes.length] ?? 1)
    chunks.push(bytes.subarray(at, at + size))
    at += size
  }
  return chunks
}

/**
 * Pushes a chunk as the real reader does: in memory that is used again for the next one. The garbage is newlines,
 * the most harmful byte for a decoder that looks at it too late.
 */
export function pushReused<M>(decoder: Decoder<M>, chunk: Uint8Array, emit: (message: M) => void): void {
  const memory = STATIC.length < chunk.length ? new Uint8Array(chunk.length) : STATIC
  memory.set(chunk)
  try {
    decoder.push(memory.subarray(0, chunk.length), emit)
  } finally {
    memory.fill(10, 0, chunk.length)
  }
}

const STATIC = new Uint8Array(65_536)

/** Runs chunks through a fresh decoder, to the end or to the fault. */
export function decode<M>(framing: Framing<M, any>, chunks: readonly Uint8Array[]): Decoded<M> {
  const messages: M[] = []
  const notices: FramingError[] = []
  const decoder = framing.decoder((notice) => notices.push(notice))
  const emit = (message: M): void => void messages.push(message)
  try {
    for (const chunk of chunks) pushReused(decoder, chunk, emit)
    decoder.end(emit)
    return { messages, notices, fault: undefined }
  } catch (error) {
    return { messages, notices, fault: error as FramingError }
  }
}

/** The same stream in one piece, in every two pieces, and byte by byte. */
export function everySplit(bytes: Uint8Array): Uint8Array[][] {
  const splits = [[bytes], chop(bytes, [1])]
  for (let at = 1; at < bytes.length; at++) splits.push([bytes.subarray(0, at), bytes.subarray(at)])
  return splits
}

/** Any cutting of a stream into chunks. */
export const anyChunking: fc.Arbitrary<number[]> = fc.oneof<fc.Arbitrary<number[]>[]>(
  fc.constant([1]),
  fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 8 }),
  fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 8 }),
)

export interface FramingOptions<M> {
  /** A message of about so many bytes, for the cost of long ones. */
  readonly long: (length: number) => M
  /** What must be equal before and after; for a framing that keeps no boundaries, the joined bytes. */
  readonly normal?: (messages: readonly M[]) => unknown
}

/** What every framing promises. */
export function testFraming<M>(
  name: string,
  make: () => Framing<M>,
  message: fc.Arbitrary<M>,
  { long, normal = (messages) => messages }: FramingOptions<M>,
): void {
  const messages = fc.array(message, { maxLength: 12 })
  const check = (sent: readonly M[], chunks: readonly Uint8Array[]): void => {
    const { messages: got, notices, fault } = decode(make(), chunks)
    assert.equal(fault, undefined)
    assertSame(normal(got), normal(sent))
    assert.deepEqual(notices, [])
  }

  describe(`every framing: ${name}`, () => {
    it('decodes what it encoded, however the stream was cut', () => {
      fc.assert(
        fc.property(messages, anyChunking, (sent, sizes) => check(sent, chop(encodeAll(make(), sent), sizes))),
        { numRuns: 300 },
      )
    })

    it('decodes what it encoded, wherever the stream is cut in two, and byte by byte', () => {
      fc.assert(
        fc.property(fc.array(message, { minLength: 1, maxLength: 3 }), (sent) => {
          const stream = encodeAll(make(), sent)
          fc.pre(stream.length <= 400)
          for (const chunks of everySplit(stream)) check(sent, chunks)
        }),
        { numRuns: 25 },
      )
    })

    it('shares nothing between two streams of one framing', () => {
      const framing = make()
      const [sent] = fc.sample(message, { numRuns: 1, seed: 7 }) as [M]
      const stream = encodeAll(framing, [sent, sent])
      const [first, second] = [framing.decoder(), framing.decoder()]
      const got: [M[], M[]] = [[], []]
      for (const chunk of chop(stream, [1])) {
        pushReused(first, chunk, (one) => got[0].push(one))
        pushReused(second, chunk, (one) => got[1].push(one))
      }
      first.end((one) => got[0].push(one))
      second.end((one) => got[1].push(one))
      assertSame(normal(got[0]), normal([sent, sent]))
      assertSame(normal(got[1]), normal([sent, sent]))
    })

    it('ends a stream without any bytes without a message', () => {
      assert.deepEqual(decode(make(), []), { messages: [], notices: [], fault: undefined })
    })

    it('takes time in proportion to the length of a message, over any number of chunks', () => {
      for (const sizes of [[1], [64, 7, 16], [4096]]) {
        const stream = encodeAll(make(), [long(2 ** 17)])
        const chunks = chop(stream, sizes)
        const decoder = make().decoder()
        const touched = bytesTouched(() => {
          for (const chunk of chunks) decoder.push(chunk, () => {})
        })
        const each = touched / stream.length
        assert.ok(each < 12, `each byte was touched ${each.toFixed(1)} times in chunks of ${String(sizes)}`)
      }
    })
  })
}

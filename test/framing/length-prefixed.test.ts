import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { lengthPrefixed } from '../../src/framing/index.ts'
import { bytesOf, decode, encodeAll, everySplit, joinBytes } from '../contracts/framing.ts'
import { arrayBufferBytes, canMeasureMemory } from '../support/memory.ts'

const message = (length: number): Uint8Array => Uint8Array.of(0, length, ...new Uint8Array(length).fill(1))
const encode = (any: unknown): unknown => lengthPrefixed({ header: 1 }).encode(any as Uint8Array)

describe('lengthPrefixed() writes the length in the bytes of its header, the highest first:', () => {
  const cases: [header: 1 | 2 | 4, length: number, expected: number[]][] = [
    [1, 3, [3]],
    [1, 255, [255]],
    [2, 3, [0, 3]],
    [2, 0x0102, [1, 2]],
    [4, 3, [0, 0, 0, 3]],
    [4, 0x010203, [0, 1, 2, 3]],
  ]
  for (const [header, length, expected] of cases) {
    it(`${length} in ${header}`, () => {
      const frame = lengthPrefixed({ header }).encode(new Uint8Array(length).fill(7)) as Uint8Array
      assert.deepEqual([...frame.subarray(0, header)], expected)
      assert.equal(frame.length, header + length)
      assert.ok(frame.subarray(header).every((byte) => byte === 7))
    })
  }
})

describe('lengthPrefixed() reads, however the stream is cut:', () => {
  it('empty messages', () => {
    const stream = Uint8Array.from([0, 0, 0, 1, 9, 0, 0])
    for (const chunks of everySplit(stream)) {
      const { messages, fault } = decode(lengthPrefixed({ header: 2 }), [...chunks])
      assert.equal(fault, undefined)
      assert.deepEqual(messages, [Uint8Array.of(), Uint8Array.of(9), Uint8Array.of()])
    }
  })

  it('messages whose memory is their own, and no larger than they are', () => {
    const { messages } = decode(lengthPrefixed(), [encodeAll(lengthPrefixed(), [bytesOf('abc'), bytesOf('de')])])
    assert.deepEqual(
      messages.map((got) => got.buffer.byteLength),
      [3, 2],
    )
  })
})

describe('the maxLength of lengthPrefixed()', () => {
  const framing = lengthPrefixed({ header: 2, maxLength: 8 })

  it('passes a message of exactly the maximum', () => {
    for (const chunks of everySplit(message(8))) assert.equal(decode(framing, chunks).messages.length, 1)
  })

  it('ends the stream at the header of a longer one, behind every message before it', () => {
    for (const chunks of everySplit(joinBytes([message(1), message(9)]))) {
      const { messages, fault } = decode(framing, chunks)
      assert.equal(messages.length, 1)
      assert.equal(fault?.reason, 'too-long')
      assert.equal(fault.length, 9)
      assert.match(fault.message, /a message of 9 bytes or more is longer than maxLength.*8 bytes.*lengthPrefixed/)
    }
  })

  it('reserves no memory for what has only been announced', { skip: !canMeasureMemory }, () => {
    const before = arrayBufferBytes()
    const decoder = lengthPrefixed({ maxLength: '1GiB' }).decoder()
    decoder.push(Uint8Array.of(0x40, 0, 0, 0, 1, 2, 3), () => {})
    assert.ok(arrayBufferBytes() - before < 2 ** 20)
  })

  it('is 16 MiB, or what the header can count', () => {
    assert.equal(decode(lengthPrefixed(), [Uint8Array.of(1, 0, 0, 1)]).fault?.reason, 'too-long')
    assert.equal(decode(lengthPrefixed(), [Uint8Array.of(1, 0, 0, 0)]).fault?.reason, 'truncated')
    assert.throws(() => lengthPrefixed({ header: 1, maxLength: '1MiB' }).encode(new Uint8Array(256)), /256 bytes.*255/)
  })
})

describe('lengthPrefixed() at the end of the stream', () => {
  const truncated: [title: string, stream: number[], pattern: RegExp][] = [
    ['in the middle of a message', [0, 3, 1, 2], /ended in the middle of a message of 3B/],
    ['behind a header', [0, 3], /ended in the middle of a message of 3B/],
    ['in the middle of a header', [0], /ended in the middle of a header/],
  ]
  for (const [title, stream, pattern] of truncated) {
    it(`fails with "truncated" ${title}`, () => {
      for (const chunks of everySplit(Uint8Array.of(0, 1, 9, ...stream))) {
        const { messages, fault } = decode(lengthPrefixed({ header: 2 }), chunks)
        assert.equal(messages.length, 1)
        assert.equal(fault?.reason, 'truncated')
        assert.match(fault.message, pattern)
      }
    })
  }
})

describe('lengthPrefixed() refuses', () => {
  it('to write what is no Uint8Array, or longer than its header can count', () => {
    assert.throws(() => encode('text'), {
      reason: 'unencodable',
      message: 'lengthPrefixed() carries a Uint8Array, not string',
    })
    assert.throws(() => encode(null), { reason: 'unencodable' })
    assert.throws(() => encode(new Uint8Array(256)), { code: 'ERR_PAGENT_FRAMING', reason: 'too-long', length: 256 })
    assert.equal((encode(Buffer.from('ab')) as Uint8Array).length, 3)
  })

  it('a header of another size, and a maximum that is none', () => {
    assert.throws(() => lengthPrefixed({ header: 3 as 4 }), {
      name: 'RangeError',
      message: 'Cannot use 3 as header: expected 1, 2 or 4 bytes',
    })
    assert.throws(() => lengthPrefixed({ maxLength: 0 }), RangeError)
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { Tail } from '../../src/base/tail.ts'
import { anyChunking, bytesOf, chop } from '../contracts/framing.ts'
import { bytesTouched } from '../support/bytes-touched.ts'
import { arrayBufferBytes, canMeasureMemory } from '../support/memory.ts'

/** The text of `stream` after it was pushed in chunks whose memory was used again. */
function tailOf(stream: Uint8Array, limit: number, sizes: readonly number[] = [stream.length + 1]): string {
  const tail = new Tail(limit)
  for (const chunk of chop(stream, sizes)) {
    const reused = chunk.slice()
    tail.push(reused)
    reused.fill(10)
  }
  return tail.toString()
}

describe('Tail', () => {
  const cases: [title: string, text: string, expected: string][] = [
    ['is empty before anything came', '', ''],
    ['is everything while there is room', 'a\nbc', 'a\nbc'],
    ['is everything when it just fits', '1234\n678', '1234\n678'],
    ['begins with a whole line once something was cut off', '12\n456\n789', '456\n789'],
    ['begins within a line that is longer than the room', '1234567890', '34567890'],
    ['also when that line has ended', '1234567890\n', '4567890\n'],
    ['begins with a whole character', 'é€é€€', 'é€€'],
    ['takes a byte order mark as it came', '\ufeffa', '\ufeffa'],
  ]
  for (const [title, text, expected] of cases) {
    it(title, () => {
      for (const sizes of [[1], [2], [3], [100]]) assert.equal(tailOf(bytesOf(text), 8, sizes), expected)
    })
  }

  it('is the end of the whole stream, cut at a line or a character, in any chunks', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '\n', 'é', '€', '😀'), maxLength: 300 })
    fc.assert(
      fc.property(text, fc.integer({ min: 8, max: 64 }), anyChunking, (all, limit, sizes) => {
        const stream = bytesOf(all)
        const got = tailOf(stream, limit, sizes)
        const kept = bytesOf(got).length
        assert.ok(all.endsWith(got))
        assert.ok(kept <= limit)
        assert.ok(!got.includes('\ufffd'))
        if (stream.length <= limit) return assert.equal(got, all)
        const end = new TextDecoder().decode(stream.subarray(stream.length - limit))
        const line = end.indexOf('\n')
        if (line !== -1 && line !== end.length - 1) assert.equal(got, end.slice(line + 1))
        else assert.ok(kept > limit - 4)
      }),
      { numRuns: 1000 },
    )
  })

  it('keeps nothing when it may keep nothing', () => assert.equal(tailOf(bytesOf('abc\n'), 0, [1]), ''))

  it('moves each byte a few times at most, in chunks of any size', () => {
    const stream = new Uint8Array(2 ** 18).fill(97)
    for (const size of [1, 100, 4095, 4096, 4097, 65_536]) {
      const tail = new Tail(4096)
      const chunks = chop(stream, [size])
      const touched = bytesTouched(() => {
        for (const chunk of chunks) tail.push(chunk)
      })
      assert.ok(touched < 3 * stream.length, `${touched} bytes were touched for ${stream.length} in chunks of ${size}`)
    }
  })

  it('holds twice its limit at most, and nothing before it is used', { skip: !canMeasureMemory }, () => {
    const before = arrayBufferBytes()
    const tails = Array.from({ length: 100 }, () => new Tail(65_536))
    assert.ok(arrayBufferBytes() - before < 65_536)
    const chunk = new Uint8Array(10_000)
    for (let i = 0; i < 100; i++) for (const tail of tails) tail.push(chunk)
    const each = (arrayBufferBytes() - before) / tails.length
    assert.ok(each <= 2.1 * 65_536, `each of them holds ${each} bytes`)
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { FramingError } from '../../src/base/errors.ts'
import { lines } from '../../src/framing/index.ts'
import { anyChunking, bytesOf, chop, decode, everySplit, joinBytes } from '../contracts/framing.ts'
import { arrayBufferBytes, canMeasureMemory } from '../support/memory.ts'

/** Checks one stream in every splitting; `stream` is text, or bytes that are no text. */
function reads(stream: string | number[], expected: string[], unterminated = false): void {
  const bytes = typeof stream === 'string' ? bytesOf(stream) : Uint8Array.from(stream)
  for (const chunks of everySplit(bytes)) {
    const { messages, notices, fault } = decode(lines(), chunks)
    assert.equal(fault, undefined)
    assert.deepEqual(messages, expected)
    assert.deepEqual(
      notices.map((notice) => notice.reason),
      unterminated ? ['unterminated'] : [],
    )
  }
}

const CASES: [title: string, stream: string | number[], expected: string[], unterminated?: boolean][] = [
  ['a newline ends a line', 'a\nbc\n', ['a', 'bc']],
  ['a carriage return before the newline belongs to the end', 'a\r\nbc\r\n', ['a', 'bc']],
  ['both ends may be mixed', 'a\r\nb\nc\r\n', ['a', 'b', 'c']],
  ['a carriage return elsewhere is data', 'a\rb\n\rc\n', ['a\rb', '\rc']],
  ['only one carriage return belongs to the end', 'a\r\r\n', ['a\r']],
  ['an empty line is a message', '\n\na\n\n', ['', '', 'a', '']],
  ['so is one of a carriage return', '\r\n\r\n', ['', '']],
  ['spaces and tabs are data', ' a \n\t\n', [' a ', '\t']],
  ['other separators of Unicode are data', 'a\u2028b\u0085c\vd\fe\n', ['a\u2028b\u0085c\vd\fe']],
  ['a NUL is data', 'a\0b\n', ['a\0b']],
  ['characters of two, three and four bytes are whole', 'é€😀\n😀\n', ['é€😀', '😀']],
  ['a byte order mark is data, wherever it stands', '\ufeffa\n\ufeffb\n', ['\ufeffa', '\ufeffb']],
  ['a byte that is not UTF-8 becomes U+FFFD', [0x61, 0xff, 0x62, 10], ['a\ufffdb']],
  ['half a character at the end of a line takes no newline with it', [0xf0, 0x9f, 10, 0x61, 10], ['\ufffd', 'a']],
  ['half a character before a carriage return neither', [0xe2, 0x82, 13, 10, 0x61, 10], ['\ufffd', 'a']],
  [
    'an overlong form and a surrogate are not UTF-8',
    [0xc0, 0x8a, 10, 0xed, 0xa0, 0x80, 10],
    ['\ufffd\ufffd', '\ufffd\ufffd\ufffd'],
  ],
  ['a last line without its end is delivered and reported', 'a\nbc', ['a', 'bc'], true],
  ['and loses its carriage return too', 'a\nbc\r', ['a', 'bc'], true],
  ['half a character at the end of the stream becomes U+FFFD', [0x61, 0xf0, 0x9f, 0x98], ['a\ufffd'], true],
]

describe('lines() reads, however the stream is cut:', () => {
  for (const [title, stream, expected, unterminated] of CASES) it(title, () => reads(stream, expected, unterminated))

  it('any bytes exactly as if they had come in one piece', () => {
    const hostile = fc.array(
      fc.constantFrom(0x61, 10, 10, 13, 0xc3, 0xa9, 0xf0, 0x9f, 0x98, 0x80, 0xff, 0xef, 0xbb, 0xbf),
      { maxLength: 60 },
    )
    fc.assert(
      fc.property(hostile, anyChunking, (bytes, sizes) => {
        const stream = Uint8Array.from(bytes)
        assert.deepEqual(decode(lines(), chop(stream, sizes)), decode(lines(), [stream]))
      }),
      { numRuns: 500 },
    )
  })

  it('any bytes as a TextDecoder reads each line by itself', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 30 }).map((bytes) => bytes.filter((byte) => byte !== 10))),
        (all) => {
          const { messages } = decode(lines(), [joinBytes(all.flatMap((line) => [line, Uint8Array.of(10)]))])
          const alone = new TextDecoder('utf-8', { ignoreBOM: true })
          assert.deepEqual(
            messages,
            all.map((line) => alone.decode(line).replace(/\r$/, '')),
          )
        },
      ),
      { numRuns: 500 },
    )
  })

  it('a large chunk of short and long lines, which is decoded in pieces', () => {
    const sent = Array.from({ length: 5000 }, (_, i) => (i % 997 === 0 ? 'ü'.repeat(i * 10) : `line ${i}`))
    const stream = bytesOf(`${sent.join('\n')}\n`)
    for (const size of [stream.length, 65_536, 32_768, 32_769, 40_000]) {
      assert.deepEqual(decode(lines(), chop(stream, [size])).messages, sent)
    }
  })
})

const MAX = 8
const tight = lines({ maxLength: MAX })
const skipping = lines({ maxLength: MAX, onOverlong: 'skip' })

describe('the maxLength of lines()', () => {
  const fits: [title: string, stream: string, expected: string[]][] = [
    ['a line of exactly the maximum passes', '12345678\n', ['12345678']],
    ['the carriage return of its end is not counted', '12345678\r\n12345678\r\n', ['12345678', '12345678']],
    ['nor without a newline at the end of the stream', 'a\n12345678', ['a', '12345678']],
    ['it counts bytes, not characters', 'éééé\n', ['éééé']],
    ['it is of a line, not of the stream', '1234567\n1234567\n12345678\n', ['1234567', '1234567', '12345678']],
  ]
  for (const [title, stream, expected] of fits) {
    it(title, () => {
      for (const chunks of everySplit(bytesOf(stream))) {
        for (const framing of [tight, skipping]) {
          const { messages, fault } = decode(framing, chunks)
          assert.equal(fault, undefined)
          assert.deepEqual(messages, expected)
        }
      }
    })
  }

  const overlong: [title: string, stream: string, before: string[], after: string[]][] = [
    ['a line one byte longer', 'a\nb\n123456789\nc\n', ['a', 'b'], ['c']],
    ['the first line', '123456789\nc\n', [], ['c']],
    ['the last line, without its end', 'a\n123456789', ['a'], []],
    ['a line of several times the maximum', `a\n${'x'.repeat(50)}\nc\nd\n`, ['a'], ['c', 'd']],
    ['one with a carriage return that is not its end', 'a\n12345678\rx\nc\n', ['a'], ['c']],
    ['one with two carriage returns', 'a\n12345678\r\r\nc\n', ['a'], ['c']],
    ['one whose characters would fit', 'a\néééé€\nc\n', ['a'], ['c']],
  ]
  for (const [title, stream, before, after] of overlong) {
    it(`ends the stream at ${title}, behind every line before it`, () => {
      for (const chunks of everySplit(bytesOf(stream))) {
        const { messages, fault } = decode(tight, chunks)
        assert.deepEqual(messages, before)
        assert.ok(fault instanceof FramingError)
        assert.equal(fault.reason, 'too-long')
        assert.equal(fault.framing, 'lines')
        assert.ok((fault.length ?? 0) > MAX)
      }
    })

    it(`skips and reports just ${title}, where it is told to`, () => {
      for (const chunks of everySplit(bytesOf(stream))) {
        const { messages, notices, fault } = decode(skipping, chunks)
        assert.equal(fault, undefined)
        assert.deepEqual(messages, [...before, ...after])
        assert.deepEqual(
          notices.map((notice) => notice.reason),
          ['too-long'],
        )
      }
    })
  }

  it('skips each of several overlong lines, in any cutting', () => {
    const line = fc.string({ maxLength: 20 }).map((text) => text.replaceAll(/[\r\n]/g, ''))
    fc.assert(
      fc.property(fc.array(line), anyChunking, (all, sizes) => {
        const { messages, notices } = decode(skipping, chop(bytesOf(all.map((one) => `${one}\n`).join('')), sizes))
        const short = all.filter((one) => bytesOf(one).length <= MAX)
        assert.deepEqual(messages, short)
        assert.equal(notices.length, all.length - short.length)
      }),
      { numRuns: 500 },
    )
  })

  const cutting = lines({ maxLength: MAX, onOverlong: 'cut' })
  /** The whole characters among its first bytes. */
  const headOf = (text: string): string => {
    let head = ''
    for (const character of text) {
      if (bytesOf(head + character).length > MAX) break
      head += character
    }
    return head
  }

  it('cuts and reports each of several overlong lines, between two characters, in any cutting of the stream', () => {
    const line = fc
      .string({ unit: 'binary', maxLength: 20 })
      .map((text) => text.replaceAll(/[\r\n]/g, ''))
      .filter((text) => text.isWellFormed())
    fc.assert(
      fc.property(fc.array(line), anyChunking, fc.boolean(), (all, sizes, isOpen) => {
        const stream = all.map((one) => `${one}\n`).join('')
        const cut = decode(cutting, chop(bytesOf(isOpen ? stream.slice(0, -1) : stream), sizes))
        const expected = isOpen && all.at(-1) === '' ? all.slice(0, -1) : all
        assert.deepEqual(cut.messages, expected.map(headOf))
        const long = all.filter((one) => bytesOf(one).length > MAX)
        const notices = cut.notices.filter(({ reason }) => reason === 'too-long')
        assert.equal(notices.length, long.length)
        assert.equal(cut.fault, undefined)
      }),
      { numRuns: 500 },
    )
  })

  it('says what came, what is allowed, and how it is called', () => {
    const { fault } = decode(lines(), [new Uint8Array(2 ** 20 + 1).fill(97)])
    assert.equal(
      fault?.message,
      'a message of 1048577 bytes or more is longer than maxLength, which is 1048576 bytes (1MiB) for lines',
    )
    assert.equal(fault?.code, 'ERR_PAGENT_FRAMING')
  })

  it('keeps no more memory than the maximum, whatever comes', { skip: !canMeasureMemory }, () => {
    const chunk = new Uint8Array(65_536).fill(97)
    const decoder = lines({ maxLength: '1MiB', onOverlong: 'skip' }).decoder()
    const before = arrayBufferBytes()
    let most = 0
    for (let i = 0; i < 128; i++) {
      decoder.push(chunk, () => {})
      if (i % 8 === 0) most = Math.max(most, arrayBufferBytes() - before)
    }
    assert.ok(most < 2.5 * 2 ** 20, `8 MiB without a newline held ${most} bytes`)
    const after = arrayBufferBytes() - before
    assert.ok(after < 2 ** 18, `${after} bytes are still held after the line was skipped`)
  })

  it('is 1 MiB unless something else is asked for', () => {
    const exact = 'x'.repeat(2 ** 20)
    assert.deepEqual(decode(lines(), [bytesOf(`${exact}\n`)]).messages, [exact])
    assert.equal(decode(lines(), [bytesOf(`${exact}x\n`)]).fault?.reason, 'too-long')
    assert.deepEqual(decode(lines({ maxLength: '2MiB' }), [bytesOf(`${exact}x\n`)]).messages, [`${exact}x`])
  })
})

describe('lines() writes', () => {
  it('a line with a newline behind it', () => assert.equal(lines().encode('a'), 'a\n'))
  it('an empty line', () => assert.equal(lines().encode(''), '\n'))

  const refused: [message: unknown, pattern: RegExp][] = [
    ['a\nb', /must not contain a newline \(found at 1\).*json\(\)/],
    ['a\n', /must not end with a newline; lines\(\) adds it/],
    ['\n', /must not end with a newline/],
    [1, /carries strings, not number; use json\(\)/],
    [undefined, /carries strings, not undefined/],
    [{ a: 1 }, /carries strings, not object/],
    [Uint8Array.of(1), /carries strings, not object/],
  ]
  for (const [message, pattern] of refused) {
    it(`never ${JSON.stringify(message)}, and says why`, () => {
      assert.throws(() => lines().encode(message as string), {
        code: 'ERR_PAGENT_FRAMING',
        reason: 'unencodable',
        message: pattern,
      })
    })
  }
})

describe('the options of lines()', () => {
  const bad: [options: object, error: { name: string; message: RegExp }][] = [
    [{ maxLength: 0 }, { name: 'RangeError', message: /Cannot use 0 as maxLength: expected 1B to 1GiB/ }],
    [{ maxLength: '2GiB' }, { name: 'RangeError', message: /Cannot use 2GiB as maxLength: expected 1B to 1GiB/ }],
    [{ maxLength: Infinity }, { name: 'RangeError', message: /Cannot use Infinity as maxLength/ }],
    [{ maxLength: -1 }, { name: 'RangeError', message: /Cannot use -1 as maxLength: expected a size/ }],
    [{ maxLength: Number.NaN }, { name: 'RangeError', message: /Cannot use NaN as maxLength: expected a size/ }],
    [
      { maxLength: '10 apples' },
      { name: 'RangeError', message: /Cannot use "10 apples" as maxLength: expected a size/ },
    ],
    [
      { onOverlong: 'drop' },
      { name: 'TypeError', message: /Cannot use "drop" as onOverlong: expected 'fail', 'skip' or 'cut'/ },
    ],
  ]
  for (const [options, error] of bad) {
    it(`refuse ${JSON.stringify(Object.entries(options).map(([key, value]) => `${key}: ${String(value)}`))}`, () => {
      assert.throws(() => lines(options), error)
    })
  }
})

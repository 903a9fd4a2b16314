import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { FramingError } from '../../src/base/errors.ts'
import { type StructuredOptions, jsonRpc, structured } from '../../src/framing/index.ts'
import { bytesOf, decode, encodeAll, everySplit, joinBytes, toBytes } from '../contracts/framing.ts'
import { assertSame } from '../support/assert-same.ts'
import { arrayBufferBytes, canMeasureMemory } from '../support/memory.ts'

const encode = (message: unknown): string | Uint8Array => framing.encode(message)
const framing = structured()
/** An array with a hole in front. */
const holed = Array<unknown>(2).fill(1, 1)

/** There and back. */
function carried(value: unknown): unknown {
  const { messages, fault, notices } = decode(structured(), [toBytes(encode(value))])
  assert.equal(fault, undefined)
  assert.deepEqual(notices, [])
  assert.equal(messages.length, 1)
  return messages[0]
}

const isLine = (value: unknown): boolean => typeof encode(value) === 'string'

const anything = fc.anything({
  withBigInt: true,
  withBoxedValues: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withNullPrototype: true,
  withSparseArray: true,
  withTypedArray: true,
  maxDepth: 4,
})
const scalar = fc.oneof(
  fc.double(),
  fc.constantFrom<unknown>(-0, Number.NaN, undefined, 1n, '\ud800', '__proto__'),
  fc.string(),
)
const tree = fc.letrec((tie) => ({
  node: fc.oneof(
    scalar,
    fc.array(tie('node')),
    fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('__proto__', '0', 'toJSON')), tie('node')),
    fc.array(fc.tuple(tie('node'), tie('node'))).map((entries) => new Map(entries)),
    fc.constantFrom(
      /a+/giu,
      new RangeError('why', { cause: 1n }),
      new ArrayBuffer(3),
      new DataView(new ArrayBuffer(2), 1),
    ),
  ),
})).node

describe('structured() carries', () => {
  it('any value as structuredClone() copies it', () => {
    fc.assert(
      fc.property(fc.oneof(anything, tree), (value) => {
        assertSame(carried(value), structuredClone(value))
      }),
      { numRuns: 3000 },
    )
  })

  const values: [title: string, value: unknown][] = [
    ['undefined', undefined],
    ['-0', -0],
    ['a member of undefined', { a: undefined }],
    ['an array with a hole', holed],
    ['an invalid date', [new Date(Number.NaN)]],
    [
      'an array of holes, and one of mostly holes',
      [Array(5), Array(1000), Object.assign(Array<unknown>(3_000_000_000), { 7: 1 })],
    ],
    ['an array with names', Object.assign([1, undefined, new Date(0)], { a: 1, '-1': 2 })],
    [
      'numbers at the limits of what fits where',
      [new Date(0), 2 ** 31, -(2 ** 31), 2 ** 31 - 1, 63, 64, -64, -65, 2 ** 32],
    ],
    [
      'text at the limits of what fits where',
      [1n, ...[0, 39, 40, 41, 127, 128, 9000].flatMap((n) => ['a'.repeat(n), 'é'.repeat(n)])],
    ],
    ['negative and large integers', [-1n, 0n, 2n ** 200n, -(2n ** 64n)]],
    ['an error without a message of its own', Object.assign(new SyntaxError(), { extra: 1 })],
    ['an object without a prototype', Object.assign(Object.create(null) as object, { a: 1 })],
    [
      'an instance of a class',
      new (class Point {
        x = 1
      })(),
    ],
    ['something with a toJSON', Object.defineProperty({ a: 1 }, 'toJSON', { value: undefined })],
    ['a match of a regular expression', /b/.exec('abc')],
    ['a member called __proto__', JSON.parse('{"__proto__":{"a":[1]}}')],
    ['half a pair of surrogates', ['\ud800', '\udc00']],
    ['an error with a cause', new TypeError('why', { cause: new Date(0) })],
    ['numbers of all sizes', [2 ** 53, 1e308, 5e-324, 0.1, Infinity, -Infinity, Number.NaN]],
    ['a long string', 'é'.repeat(10_000)],
    ['many fractions', Array.from({ length: 500 }, (_, i) => i / 7)],
  ]
  for (const [title, value] of values) it(title, () => assertSame(carried(value), structuredClone(value)))

  it('what a getter has had written meanwhile', () => {
    const nested = {
      get inner() {
        return encode(new Date(1)).length
      },
      at: new Date(2),
    }
    assert.deepEqual(carried(nested), { inner: 14, at: new Date(2) })
  })

  it('what holds itself, and what it holds twice', () => {
    const cycle: { self?: unknown; bytes: Uint8Array[] } = { bytes: [] }
    cycle.self = cycle
    cycle.bytes = Array<Uint8Array>(2).fill(Uint8Array.of(1))
    const got = carried(cycle) as typeof cycle
    assert.equal(got.self, got)
    assert.equal(got.bytes[0], got.bytes[1])
  })

  it('views of all kinds, with the bytes they show and memory of their own', () => {
    const memory = new Uint8Array(32).map((_, i) => i).buffer
    const kinds = [Uint8Array, Int8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array]
    const views = [...kinds, Float32Array, Float64Array, BigInt64Array, BigUint64Array].map(
      (View) => new View(memory, 8, 2),
    )
    const [a, ...others] = carried([new DataView(memory, 8, 3), ...views]) as ArrayBufferView[]
    assert.deepEqual([a, ...others], [new DataView(memory.slice(8, 11)), ...views])
    assert.equal(new Set([a, ...others].map((view) => view?.buffer)).size, 12)
    assert.ok(others.every((view) => view.buffer.byteLength === view.byteLength))
  })

  it('a Buffer as a Buffer, and nothing of the pool it is in', () => {
    const frame = encode(Buffer.from('only this'))
    assert.ok(frame.length < 30)
    assert.deepEqual(carried(Buffer.from('only this')), Buffer.from('only this'))
    assert.deepEqual(carried(new (class extends Uint8Array {})(2)), new Uint8Array(2))
  })
})

describe('structured() writes', () => {
  it('a line as jsonRpc() does, where JSON carries the message', () => {
    fc.assert(
      fc.property(
        fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown),
        fc.nat(),
        (value, id) => {
          for (const message of [
            value,
            { jsonrpc: '2.0', id, result: value },
            { jsonrpc: '2.0', id, method: 'm', params: value },
          ])
            assert.equal(encode(message), jsonRpc().encode(message))
        },
      ),
    )
  })

  it('a frame where JSON does not, and where it would be slow', () => {
    const frames: unknown[] = [
      undefined,
      -0,
      1n,
      holed,
      { a: undefined },
      new Date(0),
      'x'.repeat(8192),
      /b/.exec('abc'),
    ]
    for (const value of frames) {
      assert.equal(isLine(value), false)
      assert.equal(isLine({ jsonrpc: '2.0', id: 1, result: value }), false)
      assert.equal(isLine({ jsonrpc: '2.0', id: 1, method: 'm', params: [value] }), false)
    }
    assert.equal(isLine({ jsonrpc: '2.0', id: -0, result: 1 }), false)
    assert.equal(isLine({ jsonrpc: '2.0', id: 1, result: { toJSON: () => 1, a: 1 }.a }), true)
  })

  it('a byte 0, the length and the value', () => {
    const frame = encode(undefined) as Uint8Array
    assert.deepEqual([...frame], [0, 0, 0, 0, 1, 1])
  })

  it('what is nested 100 levels deep as a line, and deeper as a frame', () => {
    let value: unknown = 1
    for (let i = 0; i < 100; i++) value = [value]
    assert.equal(isLine(value), true)
    assert.equal(isLine([value]), false)
    assert.deepEqual(carried([value]), [value])
  })

  it('what is held twice, over and over, without looking at it for ever', () => {
    let value: unknown = 1
    for (let i = 0; i < 60; i++) value = [value, value]
    assert.ok(encode(value).length < 1000)
  })

  const throws = {
    get member() {
      throw new Error('no')
    },
  }
  const refused: [title: string, value: unknown, pattern: RegExp][] = [
    ['a function', () => 1, /^message cannot be cloned \(a function/],
    ['a symbol in it', { params: [{ 'a b': Symbol('x') }] }, /^message\.params\[0\]\["a b"\] cannot be cloned/],
    ['a function in a Map', { a: new Map([['done', () => 1]]) }, /^message\.a\.get\("done"\) cannot be cloned/],
    ['a function in a Set', new Set([() => 1]), /^message\.get\(…\) cannot be cloned/],
    ['a promise', { a: Promise.resolve() }, /^message cannot be cloned \(a Promise/],
    ['a WeakMap', new WeakMap(), /^message cannot be cloned/],
    ['shared memory', new SharedArrayBuffer(1), /^message cannot be cloned/],
    ['a port', new MessageChannel().port1, /^message cannot be cloned/],
    ['a getter that throws', throws, /^message cannot be cloned \(no\)/],
  ]
  for (const [title, value, message] of refused) {
    it(`not ${title}, and says why`, () => {
      assert.throws(() => encode(value), {
        code: 'ERR_PAGENT_FRAMING',
        framing: 'structured',
        reason: 'unencodable',
        message,
      })
    })
  }

  it('nothing longer than maxLength, whichever way', () => {
    const tight = structured({ maxLength: 12 })
    assert.equal(tight.encode('1234567890'), '"1234567890"\n')
    assert.throws(() => tight.encode('12345678901'), { reason: 'too-long', length: 13 })
    assert.throws(() => tight.encode('ééééé1'), { reason: 'too-long', length: 13 })
    assert.equal(tight.encode(new Uint8Array(6)).length, 17)
    assert.throws(() => tight.encode(new Uint8Array(7)), { reason: 'too-long', length: 13 })
  })
})

const frame = (...payload: number[]): Uint8Array => framed(Uint8Array.from(payload))
const line = (text: string): Uint8Array => bytesOf(text)
const date = encode(new Date(5)) as Uint8Array

/** Checks one stream in every splitting. */
function reads(
  parts: readonly Uint8Array[],
  expected: unknown[],
  reasons: string[],
  options: StructuredOptions = {},
): void {
  for (const chunks of everySplit(joinBytes(parts))) {
    const { messages, notices, fault } = decode(structured(options), chunks)
    assert.deepEqual(messages, expected)
    assert.deepEqual(
      [...notices, ...(fault === undefined ? [] : [fault])].map((error) => error.reason),
      reasons,
    )
    if (fault !== undefined) assert.ok(fault instanceof FramingError)
  }
}

describe('structured() reads, however the stream is cut:', () => {
  const skip = { onInvalid: 'skip', onOverlong: 'skip', maxLength: 32 } as const
  const garbage = line('a \0 b\0\n')
  const long = joinBytes([Uint8Array.of(0, 0, 0, 0, 40), new Uint8Array(40)])

  it('lines and frames in any order', () =>
    reads([line('1\n'), date, date, line('2\n\n3\n'), date], [1, new Date(5), new Date(5), 2, 3, new Date(5)], []))
  it('a frame with newlines and zeros in it', () => {
    const bytes = Uint8Array.of(0, 10, 0, 10, 10, 0)
    reads([line('1\n'), encode(bytes) as Uint8Array, line('2\n')], [1, bytes, 2], [])
  })
  it('a last line without its end', () => reads([date, line('2')], [new Date(5), 2], ['unterminated']))
  it('past a line with zeros in it', () =>
    reads([line('1\n'), garbage, date, line('2\n')], [1, new Date(5), 2], ['malformed'], skip))
  it('up to a line with zeros in it', () => reads([line('1\n'), garbage, date], [1], ['malformed']))
  it('past a frame that is none', () =>
    reads([date, frame(1, 2, 3), frame(), line('2\n')], [new Date(5), 2], ['malformed', 'malformed'], skip))
  it('up to a frame that is none, such as an empty one', () =>
    reads([date, frame(), date], [new Date(5)], ['malformed']))
  it('past a frame that is too long', () =>
    reads([date, long, date, line('1\n')], [new Date(5), new Date(5), 1], ['too-long'], skip))
  it('up to a frame that is too long', () => reads([date, long, date], [new Date(5)], ['too-long'], { maxLength: 32 }))
  it('past a line that is too long, with zeros in it', () =>
    reads([line('a\0'.repeat(20)), line('x'.repeat(40)), line('\n'), date], [], ['too-long'], { maxLength: 32 }))
  it('past a line that is too long', () =>
    reads([line(`${'a\0'.repeat(20)}\n`), date], [new Date(5)], ['too-long'], skip))
  it('the head of a frame that does not come', () => reads([date, Uint8Array.of(0, 0)], [new Date(5)], ['truncated']))
  it('half a frame', () => reads([date, date.subarray(0, -1)], [new Date(5)], ['truncated']))
  it('half a frame, where what is invalid is skipped', () =>
    reads([date, date.subarray(0, -1)], [new Date(5)], ['truncated'], skip))
  it('half a frame that is dropped', () => reads([long.subarray(0, -1)], [], ['too-long'], skip))

  it('messages that share no memory with the stream, nor with each other', () => {
    const value = [Buffer.from('abc'), Uint8Array.of(1), new Uint16Array(2), new ArrayBuffer(3)]
    for (const chunks of everySplit(encodeAll(structured(), [value]))) {
      const { messages } = decode(structured(), chunks)
      assert.deepEqual(messages, [value])
    }
  })

  it(
    'a frame of several chunks, and reserves no memory for what has only been announced',
    { skip: !canMeasureMemory },
    () => {
      const before = arrayBufferBytes()
      const decoder = structured({ maxLength: '1GiB' }).decoder()
      decoder.push(Uint8Array.of(0, 0x40, 0, 0, 0, 1, 2, 3), () => {})
      assert.ok(arrayBufferBytes() - before < 2 ** 20)
    },
  )
})

/** A frame of any length. */
function framed(payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(5 + payload.length)
  new DataView(bytes.buffer).setUint32(1, payload.length)
  bytes.set(payload, 5)
  return bytes
}

/** What came of a stream of which much may be skipped. */
function facts(chunks: readonly Uint8Array[]): unknown {
  const tolerant = structured({ onInvalid: 'skip', onOverlong: 'skip', maxLength: 100 })
  const { messages, notices, fault } = decode(tolerant, chunks)
  return [messages, notices.map((notice) => notice.reason), fault?.reason]
}

describe('structured() and hostile bytes', () => {
  const sparse = Uint8Array.of(16, 0x41, 0x7f, 0x78, 0xa4, 0, 0, 0, 0, 12, 0)
  const named = Uint8Array.of(14, 0, 8, 6, ...bytesOf('length'), 5, 255, 255, 255, 15, 0)

  it('takes memory for what has come, not for what is claimed', { skip: !canMeasureMemory }, () => {
    const payload = joinBytes([Uint8Array.of(14), ...Array<Uint8Array>(1000).fill(sparse), Uint8Array.of(0, 0)])
    const before = process.memoryUsage().rss
    const { messages } = decode(structured(), [framed(payload)])
    assert.equal((messages as unknown[][][])[0]?.[999]?.length, 33_000_000)
    assert.ok(process.memoryUsage().rss - before < 100 * 2 ** 20)
    assert.equal(decode(structured(), [framed(named)]).fault?.reason, 'malformed')
  })

  it('is not ended by what is nested a million levels deep', () => {
    assert.equal(decode(structured(), [framed(new Uint8Array(2 ** 20).fill(14))]).fault?.reason, 'malformed')
    let deep: unknown = new Date(0)
    for (let i = 0; i < 100_000; i++) deep = [deep]
    assert.throws(() => encode(deep), { reason: 'unencodable' })
    assert.deepEqual(carried(-0), -0)
  })

  const known = [
    new Map([[1, new Set(['a'])]]),
    Buffer.from('abc'),
    Object.assign(Array<unknown>(1000), { 7: 1, a: 'ü' }),
    [1.5, holed, 'ü\u{1f600}'],
    /a/,
    new Error('x'),
    10n ** 30n,
    new Float64Array(2),
  ]
  const payloads = known.map((value) => (encode(value) as Uint8Array).subarray(5))
  const mutations = fc.array(fc.tuple(fc.nat(), fc.oneof(fc.nat(255), fc.nat(25))), {
    maxLength: 4,
  })
  const hostile = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.array(fc.nat(25), { maxLength: 60 }).map((bytes) => Uint8Array.from(bytes)),
    fc.tuple(fc.constantFrom(...payloads), mutations).map(([payload, changes]) => {
      const copy = payload.slice()
      for (const [at, by] of changes) copy[at % copy.length] = by
      return copy
    }),
  )

  it('gives a value or a FramingError for each frame, and reads on behind it', () => {
    fc.assert(
      fc.property(hostile, (payload) => {
        const { messages, notices, fault } = decode(structured({ onInvalid: 'skip' }), [
          frame(...payload),
          line('"next"\n'),
        ])
        assert.equal(fault, undefined)
        assert.equal(messages.length + notices.length, 2)
        assert.equal(messages.at(-1), 'next')
        for (const notice of notices) assert.equal(notice.reason, 'malformed')
      }),
      { numRuns: 10_000 },
    )
  })

  it('gives the same for any stream, however it is cut', () => {
    const part = fc.oneof(
      hostile.map((payload) => frame(...payload)),
      hostile,
      fc.constant(date),
      fc.json().map((text) => line(`${text}\n`)),
    )
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), fc.nat(), (parts, cut) => {
        const stream = joinBytes(parts)
        const at = cut % (stream.length + 1)
        assertSame(facts([stream.subarray(0, at), stream.subarray(at)]), facts([stream]))
      }),
      { numRuns: 1000 },
    )
  })
})

describe('the options of structured()', () => {
  it('refuse what they do not know', () => {
    assert.throws(() => structured({ onInvalid: 'drop' as 'skip' }), TypeError)
    assert.throws(() => structured({ onOverlong: 'drop' as 'skip' }), TypeError)
    assert.throws(() => structured({ maxLength: 0 }), RangeError)
  })

  it('allow 16 MiB, unless something else is asked for', () => {
    assert.equal(decode(structured(), [Uint8Array.of(0, 1, 0, 0, 1)]).fault?.reason, 'too-long')
    assert.equal(decode(structured(), [Uint8Array.of(0, 1, 0, 0, 0)]).fault?.reason, 'truncated')
  })
})

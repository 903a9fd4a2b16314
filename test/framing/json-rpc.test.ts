import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { FramingError } from '../../src/base/errors.ts'
import type { Framing } from '../../src/framing/framing.ts'
import { type JsonOptions, json, jsonRpc, structured } from '../../src/framing/index.ts'
import { anyChunking, bytesOf, chop, decode, everySplit } from '../contracts/framing.ts'

// ── reading ──

/** What has come of a stream, without the name of the framing; as text too, for the order of members. */
function outcome(make: typeof json | typeof jsonRpc, options: JsonOptions, chunks: readonly Uint8Array[]): unknown {
  const { messages, notices, fault } = decode(make(options), chunks)
  const facts = [...notices, fault].map((error) => error && [error.reason, error.length, error.message.slice(0, 60)])
  return { messages, text: messages.map((message) => JSON.stringify(message)), facts }
}

function readsAsJson(lines: readonly string[], sizes: readonly number[], options: JsonOptions = {}): void {
  const chunks = chop(bytesOf(lines.join('\n')), sizes)
  assert.deepEqual(outcome(jsonRpc, options, chunks), outcome(json, options, chunks))
}

/** What may stand in the place of an id, of a method, of params: right, nearly right, and wrong. */
const idText = fc.oneof(
  fc.nat().map(String),
  fc.constantFrom(
    '0',
    '-0',
    '-1',
    '007',
    '1.0',
    '1e3',
    '1E3',
    '999999999999999',
    '9007199254740993',
    '12345678901234567',
  ),
  fc.constantFrom('', ' 1', '1 ', '"1"', 'null', '1,"id":2', '{}', '1]'),
)
const nameText = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 20 }).map((name) => JSON.stringify(name)),
  fc.constantFrom('"add"', '"a\\"b"', '"\\u0061dd"', '"a\\', '"a\tb"', 'null', '"__proto__"', '"x","method":"y"', '"'),
  fc.string({ minLength: 60, maxLength: 70 }).map((name) => JSON.stringify(name)),
)
const valueText = fc.oneof(
  fc.json(),
  fc.constantFrom(
    '1',
    '-0',
    '0',
    '00',
    '01',
    '1.5',
    '1e5',
    '-',
    '+1',
    'true',
    'false',
    'null',
    'nul',
    'truefalse',
    'NaN',
    '',
  ),
  fc.constantFrom(
    '"a"',
    '"a\\n"',
    '"a',
    '"\t"',
    '"\u{1f600}"',
    '"\\ud800"',
    '"123456789012"',
    '"1234567890123"',
    '""',
    '"',
  ),
  fc.constantFrom(
    '[]',
    '[1,2]',
    '[1, 2]',
    '[1,2',
    '[1,]',
    '[,1]',
    '[1,2]]',
    '[01]',
    '[1.5,2]',
    '["a",null]',
    '[[1]]',
    '[1e3]',
  ),
  fc.constantFrom(
    '{"__proto__":{"a":1}}',
    '{"a":1,"a":2}',
    '[1,2,3,4,5,6,7,8]',
    '[1,2,3,4,5,6,7,8,9]',
    '999999999999999',
  ),
  fc.constantFrom(
    '1,"result":2',
    '1,"id":9',
    '1,"__proto__":2',
    '1,"jsonrpc":"1"',
    '1}',
    '1},{"a":1',
    ' 1 ',
    '9999999999999999',
  ),
)
const formText = fc.oneof(
  fc.tuple(idText, valueText).map(([id, result]) => `{"jsonrpc":"2.0","id":${id},"result":${result}}`),
  fc
    .tuple(idText, nameText, valueText)
    .map(([id, method, params]) => `{"jsonrpc":"2.0","id":${id},"method":${method},"params":${params}}`),
  fc.tuple(nameText, valueText).map(([method, params]) => `{"jsonrpc":"2.0","method":${method},"params":${params}}`),
  fc.tuple(idText, nameText).map(([id, method]) => `{"jsonrpc":"2.0","id":${id},"method":${method}}`),
  fc.tuple(idText, valueText).map(([id, error]) => `{"jsonrpc":"2.0","id":${id},"error":${error}}`),
  valueText.map((result) => `{"jsonrpc":"2.0","result":${result}}`),
)
const memberText = fc.oneof(
  fc
    .tuple(fc.constantFrom('jsonrpc', 'id', 'method', 'params', 'result', 'error', '__proto__'), fc.json())
    .map(([name, value]) => `"${name}":${value}`),
  fc.constant('"jsonrpc":"2.0"'),
)
const spaced = fc
  .tuple(
    fc.array(memberText, { maxLength: 5 }),
    fc.constantFrom(',', ' , ', ',\t'),
    fc.constantFrom('', ' ', '\r', '\ufeff'),
  )
  .map(([members, comma, blank]) => `${blank}{${members.join(comma)}}${blank}`)
/** One character of a line lost, doubled, or replaced. */
const damaged = fc
  .tuple(formText, fc.nat(), fc.constantFrom('', '"', '}', '{', ',', '\\', '0', ' ', '\0'))
  .map(([text, at, by]) => `${text.slice(0, at % text.length)}${by}${text.slice((at % text.length) + 1)}`)
const anyLine = fc
  .oneof(formText, formText, spaced, damaged, fc.json(), fc.string())
  .map((line) => line.replaceAll('\n', ' '))

describe('jsonRpc() reads what json() reads:', () => {
  it('any lines that are messages, nearly messages or none, however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(anyLine, { maxLength: 8 }), anyChunking, (lines, sizes) => {
        readsAsJson(lines, sizes, { onInvalid: 'skip' })
        readsAsJson(lines, sizes)
        readsAsJson(lines, sizes, { maxLength: 40, onOverlong: 'skip', onInvalid: 'skip' })
      }),
      { numRuns: 3000 },
    )
  })

  const hard = [
    '{"jsonrpc":"2.0","id":1,"result":2,"result":3}',
    '{"jsonrpc":"2.0","id":1,"result":2}\r',
    '{"jsonrpc":"2.0"}',
  ]
  for (const line of [...hard, '{"jsonrpc":"2.0","id":5,"method":"a","params":[1,"x"]}', '\ufeff{"jsonrpc":"2.0"}']) {
    it(`${JSON.stringify(line)}, wherever it is cut`, () => {
      for (const chunks of everySplit(bytesOf(`${line}\n${line}`))) {
        assert.deepEqual(outcome(jsonRpc, {}, chunks), outcome(json, {}, chunks))
      }
    })
  }

  it('a peer that always has one member more, and hundreds of methods', () => {
    const odd = Array.from({ length: 50 }, (_, id) => `{"jsonrpc":"2.0","id":${id},"result":1,"extra":true}`)
    const many = Array.from({ length: 600 }, (_, i) => `{"jsonrpc":"2.0","id":${i},"method":"m${i % 300}","params":[]}`)
    readsAsJson([...many, ...odd, ...many], [65_536])
  })

  it('messages with a member __proto__, which is one like any other', () => {
    const { messages } = decode(jsonRpc(), [bytesOf('{"jsonrpc":"2.0","id":1,"result":{"__proto__":{"a":1}}}\n')])
    const [{ result }] = messages as [{ result: { a?: unknown } }]
    assert.equal(result.a, undefined)
    assert.deepEqual(Object.keys(result), ['__proto__'])
  })
})

// ── writing ──

/** The text, or why there is none. */
function written(make: typeof json | typeof jsonRpc, message: unknown): unknown {
  try {
    return make().encode(message)
  } catch (error) {
    assert.ok(error instanceof FramingError)
    return error.message
  }
}

const anything = fc.oneof(
  fc.anything({ withBigInt: true, withDate: true, withMap: true, withSparseArray: true, withNullPrototype: true }),
  fc.jsonValue(),
  fc.double(),
  fc.array(fc.double(), { maxLength: 10 }),
  fc.constantFrom<unknown>(
    undefined,
    null,
    { toJSON: (name: string) => `of ${name}` },
    [Number.NaN, -0],
    () => 1,
    Symbol('a'),
  ),
)
const members = fc.constantFrom('jsonrpc', 'id', 'method', 'params', 'result', 'error', 'toJSON', 'extra')
const anyId = fc.oneof(
  fc.integer(),
  fc.constantFrom<unknown>(-0, 2 ** 53, 1.5, Number.NaN, '1', null, undefined),
  fc.string(),
)
const anyMessage = fc.oneof(
  fc.tuple(anyId, fc.string(), anything).map(([id, method, params]) => ({ jsonrpc: '2.0', id, method, params })),
  fc.tuple(anyId, anything).map(([id, result]) => ({ jsonrpc: '2.0', id, result })),
  fc.tuple(fc.oneof(fc.string(), anything), anything).map(([method, params]) => ({ jsonrpc: '2.0', method, params })),
  fc
    .array(fc.tuple(members, anything))
    .map((entries) => Object.fromEntries([['jsonrpc', '2.0'], ...entries]) as unknown),
  anything,
)

/** A result that JSON would drop: the one difference. */
function isLost(message: unknown): boolean {
  if (typeof message !== 'object' || message === null) return false
  const { jsonrpc, result, error } = message as Record<string, unknown>
  const isNothing = result === undefined || typeof result === 'function' || typeof result === 'symbol'
  return jsonrpc === '2.0' && isNothing && error === undefined && Object.hasOwn(message, 'result')
}

/** The line that stands behind what was in the room before; undefined where it is to be encoded instead. */
function writtenInto(framing: Framing<any>, message: unknown): string | undefined {
  const room = { bytes: Buffer.from('before'.padEnd(4096, '.')), used: 6 }
  const isWritten = framing.encodeInto?.(message, room)
  assert.equal(room.bytes.subarray(0, 6).toString(), 'before')
  if (isWritten === true) return room.bytes.toString('utf8', 6, room.used)
  assert.equal(room.used, 6)
  return undefined
}

describe('jsonRpc() and structured() write into memory', () => {
  it('what they encode, or nothing', () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        for (const framing of [jsonRpc<any>(), structured<any>()]) {
          const line = writtenInto(framing, message)
          if (line !== undefined) assert.equal(line, framing.encode(message))
        }
      }),
      { numRuns: 5000 },
    )
  })

  const usual: readonly [message: object, line: string][] = [
    [{ jsonrpc: '2.0', id: 0, method: 'add', params: [] }, '"id":0,"method":"add","params":[]'],
    [{ jsonrpc: '2.0', id: 2 ** 40, method: 'é', params: [] }, ''],
    [
      { jsonrpc: '2.0', id: 9, method: 'add', params: [-12, 1.5, 1e21] },
      '"id":9,"method":"add","params":[-12,1.5,1e+21]',
    ],
    [{ jsonrpc: '2.0', id: -(2 ** 31), result: 2 ** 53 }, '"id":-2147483648,"result":9007199254740992'],
    [
      { jsonrpc: '2.0', method: 'a"b', params: ['x', null, true, false] },
      '"method":"a\\"b","params":["x",null,true,false]',
    ],
    [{ jsonrpc: '2.0', id: 1, result: -0 }, ''],
    [{ jsonrpc: '2.0', id: 1, result: 'a\n' }, ''],
    [{ jsonrpc: '2.0', id: 1, result: { a: 1 } }, ''],
    [{ jsonrpc: '2.0', id: 1, result: undefined }, ''],
  ]
  for (const [message, line] of usual) {
    it(line === '' ? `not ${JSON.stringify(message)}` : line, () => {
      const expected = line === '' ? undefined : `{"jsonrpc":"2.0",${line}}\n`
      assert.equal(writtenInto(jsonRpc(), message), expected)
      assert.equal(writtenInto(structured(), message), expected)
    })
  }

  it('nothing longer than maxLength, nor into too little memory', () => {
    const message = { jsonrpc: '2.0', id: 1, result: 7 }
    assert.equal(writtenInto(jsonRpc({ maxLength: 34 }), message), undefined)
    assert.equal(writtenInto(jsonRpc({ maxLength: 35 }), message), jsonRpc().encode(message))
    assert.equal(jsonRpc().encodeInto?.(message, { bytes: new Uint8Array(100), used: 0 }), false)
  })

  it('nothing within what is being written', () => {
    const framing = jsonRpc<any>()
    const room = { bytes: new Uint8Array(4096), used: 0 }
    const params = Object.defineProperty([1], 0, {
      get: () => Number(framing.encodeInto?.({ jsonrpc: '2.0', id: 2, result: 2 }, room)),
    })
    assert.equal(framing.encodeInto?.({ jsonrpc: '2.0', id: 1, method: 'a', params }, room), true)
    const { messages } = decode(framing, [room.bytes.subarray(0, room.used)])
    assert.deepEqual(messages, [{ jsonrpc: '2.0', id: 1, method: 'a', params: [0] }])
  })
})

describe('jsonRpc() writes', () => {
  it('any message byte for byte as json() does', () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        fc.pre(!isLost(message))
        assert.equal(written(jsonRpc, message), written(json, message))
      }),
      { numRuns: 5000 },
    )
  })

  const messages: [title: string, message: object][] = [
    ['a call', { jsonrpc: '2.0', id: 1, method: 'a"b', params: [1, -0, 1e21, Number.NaN] }],
    ['a notice', { jsonrpc: '2.0', method: 'log', params: { text: 'x\n' } }],
    ['an answer', { jsonrpc: '2.0', id: 1, result: 'x' }],
    ['an error', { jsonrpc: '2.0', id: null, error: { code: -32_700, message: 'Parse error' }, result: undefined }],
    ['members in another order', { id: 1, jsonrpc: '2.0', result: 1 }],
    ['what has a toJSON, which is told where it is', { jsonrpc: '2.0', id: 1, result: { toJSON: (at: string) => at } }],
    [
      'a getter that throws',
      {
        jsonrpc: '2.0',
        id: 1,
        get result() {
          throw new Error('no')
        },
      },
    ],
    ['what inherits its members', Object.create({ params: 1 }, {}) as object],
    [
      'a toJSON that does not show',
      Object.defineProperty({ jsonrpc: '2.0', id: 1, result: 1 }, 'toJSON', { value: () => 7 }),
    ],
  ]
  for (const [title, message] of messages) {
    it(`${title} as json() does`, () => assert.equal(written(jsonRpc, message), written(json, message)))
  }

  it('null where an answer has nothing as its result, whatever its members and their order', () => {
    assert.equal(
      jsonRpc().encode({ jsonrpc: '2.0', id: 1, result: undefined }),
      '{"jsonrpc":"2.0","id":1,"result":null}\n',
    )
    assert.equal(
      jsonRpc().encode({ id: 'a', result: undefined, jsonrpc: '2.0' }),
      '{"id":"a","result":null,"jsonrpc":"2.0"}\n',
    )
    assert.equal(jsonRpc().encode({ result: undefined }), '{}\n')
  })

  it('no answer whose result is a function or a symbol', () => {
    for (const result of [() => 1, Symbol('a')]) {
      assert.throws(() => jsonRpc().encode({ jsonrpc: '2.0', id: 1, result }), {
        code: 'ERR_PAGENT_FRAMING',
        framing: 'jsonRpc',
        reason: 'unencodable',
        message: `a ${typeof result} cannot be the result of a call: JSON has no such thing`,
      })
    }
  })

  it('hundreds of methods, and long ones', () => {
    const framing = jsonRpc()
    for (const round of [0, 1]) {
      for (let i = 0; i < 300; i++) {
        const message = { jsonrpc: '2.0', id: round, method: `"${i}`.repeat(1 + (i % 40)), params: [] }
        assert.equal(framing.encode(message), json().encode(message))
      }
    }
  })
})

describe('the options of jsonRpc()', () => {
  it('are those of json(), and its name is in its errors', () => {
    assert.throws(() => jsonRpc({ onInvalid: 'drop' as 'skip' }), TypeError)
    assert.throws(() => jsonRpc({ maxLength: 0 }), RangeError)
    assert.equal(decode(jsonRpc({ maxLength: 4 }), [bytesOf('12345\n')]).fault?.framing, 'jsonRpc')
    assert.equal(decode(jsonRpc(), [bytesOf('x\n')]).fault?.framing, 'jsonRpc')
  })
})

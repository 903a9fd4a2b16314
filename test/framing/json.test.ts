import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { json } from '../../src/framing/index.ts'
import { type Decoded, bytesOf, decode, everySplit } from '../contracts/framing.ts'

/** Checks one stream in every splitting. */
function everywhere(stream: string, framing = json(), check: (decoded: Decoded<unknown>) => void): void {
  for (const chunks of everySplit(bytesOf(stream))) check(decode(framing, chunks))
}

const reasons = ({ notices }: Decoded<unknown>): string[] => notices.map((notice) => notice.reason)

describe('json() reads, however the stream is cut:', () => {
  const cases: [title: string, stream: string, expected: unknown[]][] = [
    ['a value a line', '{"a":1}\n[2]\n"3"\n4\nnull\ntrue\n', [{ a: 1 }, [2], '3', 4, null, true]],
    ['lines that end with a carriage return', '{"a":1}\r\n{"a":2}\r\n', [{ a: 1 }, { a: 2 }]],
    ['past empty and blank lines', '\n\r\n  \n1\n\t\n2\n\n', [1, 2]],
    ['spaces around a value', '  {"a":1}  \n', [{ a: 1 }]],
    ['characters of four bytes, and escaped ones', '"😀"\n"\\ud83d\\ude00"\n', ['😀', '😀']],
    [
      'a key that would be harmful if it were assigned',
      '{"__proto__":{"a":1}}\n',
      [JSON.parse('{"__proto__":{"a":1}}')],
    ],
    ['past the byte order mark that some programs begin with', '\ufeff{"a":1}\n2\n', [{ a: 1 }, 2]],
  ]
  for (const [title, stream, expected] of cases) {
    it(title, () =>
      everywhere(stream, json(), (decoded) => {
        assert.deepEqual(decoded, { messages: expected, notices: [], fault: undefined })
      }),
    )
  }
})

describe('json() at the end of the stream', () => {
  it('delivers a last value without its newline, and reports it', () =>
    everywhere('1\n{"a":2}', json(), (decoded) => {
      assert.deepEqual(decoded.messages, [1, { a: 2 }])
      assert.deepEqual(reasons(decoded), ['unterminated'])
      assert.equal(decoded.fault, undefined)
    }))

  it('fails with "truncated" when the last line is half a value, and reports nothing as delivered', () =>
    everywhere('1\n{"a":', json(), (decoded) => {
      assert.deepEqual(decoded.messages, [1])
      assert.deepEqual(reasons(decoded), [])
      assert.equal(decoded.fault?.reason, 'truncated')
      assert.equal(decoded.fault.message, 'a line is not JSON: "{\\"a\\":"')
    }))

  it('passes over blanks', () =>
    everywhere('1\n  ', json(), (decoded) => {
      assert.deepEqual(decoded, { messages: [1], notices: [], fault: undefined })
    }))

  it('skips and reports half a value where invalid lines are skipped', () =>
    everywhere('1\n{"a":', json({ onInvalid: 'skip' }), (decoded) => {
      assert.deepEqual(decoded.messages, [1])
      assert.deepEqual(reasons(decoded), ['truncated'])
      assert.equal(decoded.fault, undefined)
    }))
})

describe('json() and lines that are not JSON', () => {
  it('ends the stream, behind every value before it, and quotes the line', () =>
    everywhere('1\nServer listening\n2\n', json(), ({ messages, fault }) => {
      assert.deepEqual(messages, [1])
      assert.equal(fault?.reason, 'malformed')
      assert.equal(fault.framing, 'json')
      assert.equal(fault.length, 16)
      assert.match(fault.message, /a line is not JSON: "Server listening"/)
      assert.ok(fault.cause instanceof SyntaxError)
    }))

  it('quotes the beginning of a long one only', () => {
    const { fault } = decode(json(), [bytesOf(`${'x'.repeat(10_000)}\n`)])
    assert.ok((fault?.message.length ?? Infinity) < 150)
    assert.match(fault?.message ?? '', /x…"/)
  })

  it('counts the bytes of the line, not its characters', () => {
    assert.equal(decode(json(), [bytesOf('€€\n')]).fault?.length, 6)
  })

  it("skips and reports just them with onInvalid: 'skip'", () =>
    everywhere('1\nServer listening\n2\n{"a":\n3\n', json({ onInvalid: 'skip' }), (decoded) => {
      assert.deepEqual(decoded.messages, [1, 2, 3])
      assert.deepEqual(reasons(decoded), ['malformed', 'malformed'])
      assert.equal(decoded.fault, undefined)
    }))

  it('treats overlong lines apart: each policy is about its own fault', () => {
    const long = `1\n"${'x'.repeat(30)}"\n2\nnot JSON\n3\n`
    everywhere(long, json({ maxLength: 16, onInvalid: 'skip' }), ({ messages, fault }) => {
      assert.deepEqual(messages, [1])
      assert.equal(fault?.reason, 'too-long')
      assert.equal(fault.framing, 'json')
    })
    everywhere(long, json({ maxLength: 16, onOverlong: 'skip' }), ({ messages, fault }) => {
      assert.deepEqual(messages, [1, 2])
      assert.equal(fault?.reason, 'malformed')
    })
    everywhere(long, json({ maxLength: 16, onOverlong: 'skip', onInvalid: 'skip' }), (decoded) => {
      assert.deepEqual(decoded.messages, [1, 2, 3])
      assert.deepEqual(reasons(decoded), ['too-long', 'malformed'])
    })
  })
})

describe('json() writes', () => {
  it('one line, whatever the value holds', () => {
    assert.equal(json().encode({ text: 'a\nb\r\u2028' }), '{"text":"a\\nb\\r\u2028"}\n')
    assert.equal(json().encode(null), 'null\n')
  })

  const cyclic: { self?: unknown } = {}
  cyclic.self = cyclic
  const throwing = {
    toJSON() {
      throw null as unknown as Error
    },
  }
  const refused: [title: string, message: unknown, pattern: RegExp][] = [
    ['undefined', undefined, /a undefined cannot|undefined cannot be written as JSON; send null or an object/],
    ['a function', () => 1, /a function cannot be written as JSON/],
    ['a symbol', Symbol('a'), /a symbol cannot be written as JSON/],
    ['a BigInt', 1n, /cannot be written as JSON \(.*BigInt/],
    ['a cycle', cyclic, /cannot be written as JSON \(.*circular/],
    ['what throws something odd', throwing, /cannot be written as JSON \(null\)/],
  ]
  for (const [title, message, pattern] of refused) {
    it(`never ${title}, and says why`, () => {
      assert.throws(() => json().encode(message), {
        code: 'ERR_PAGENT_FRAMING',
        reason: 'unencodable',
        message: pattern,
      })
    })
  }
})

describe('the options of json()', () => {
  it('refuse what they do not know, and say what they do', () => {
    assert.throws(() => json({ onInvalid: 'drop' as 'skip' }), {
      name: 'TypeError',
      message: `Cannot use "drop" as onInvalid: expected 'fail' or 'skip'`,
    })
    assert.throws(() => json({ onOverlong: true as unknown as 'skip' }), {
      name: 'TypeError',
      message: `Cannot use true as onOverlong: expected 'fail' or 'skip'`,
    })
    assert.throws(() => json({ maxLength: 0 }), RangeError)
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { contentLength } from '../../src/framing/index.ts'
import { bytesOf, chop, decode, everySplit } from '../contracts/framing.ts'

describe('contentLength() writes', () => {
  it('a header that counts bytes, an empty line and the body', () => {
    const frame = contentLength().encode({ text: '€' }) as Uint8Array
    assert.equal(new TextDecoder().decode(frame), 'Content-Length: 14\r\n\r\n{"text":"€"}')
  })

  it('never what JSON or its maximum does not allow', () => {
    assert.throws(() => contentLength().encode(undefined), { reason: 'unencodable' })
    assert.throws(() => contentLength().encode(1n), { reason: 'unencodable' })
    assert.throws(() => contentLength({ maxLength: 4 }).encode('abc'), { reason: 'too-long', length: 5 })
    assert.equal((contentLength({ maxLength: 5 }).encode('abc') as Uint8Array).length, 26)
  })

  it('nothing with a maximum that is none', () => {
    assert.throws(() => contentLength({ maxLength: '0B' }), { name: 'RangeError', message: /expected 1B to 1GiB/ })
  })
})

describe('contentLength() reads, however the stream is cut:', () => {
  const cases: [title: string, stream: string, expected: unknown[]][] = [
    ['a message behind its header', 'Content-Length: 2\r\n\r\n{}', [{}]],
    ['several, without anything between them', 'Content-Length: 1\r\n\r\n1Content-Length: 2\r\n\r\n22', [1, 22]],
    [
      'names in any case, and values without a space',
      'content-length:2\r\n\r\n{}CONTENT-LENGTH:  2\r\n\r\n[]',
      [{}, []],
    ],
    ['past other headers', 'Content-Type: a; charset=utf-8\r\nContent-Length: 2\r\nX-Y: \r\n\r\n{}', [{}]],
    ['lines that end with a newline only', 'Content-Length: 2\n\n{}', [{}]],
    ['a length in bytes', 'Content-Length: 6\r\n\r\n"😀"', ['😀']],
    [
      'bodies with newlines and headers in them',
      'Content-Length: 26\r\n\r\n["\\n",\r\n"Content-Length:"]',
      [['\n', 'Content-Length:']],
    ],
  ]
  for (const [title, stream, expected] of cases) {
    it(title, () => {
      for (const chunks of everySplit(bytesOf(stream))) {
        assert.deepEqual(decode(contentLength(), chunks), { messages: expected, notices: [], fault: undefined })
      }
    })
  }

  it('a header of several KiB, byte by byte as in one piece', () => {
    const stream = bytesOf(`X: ${'y'.repeat(8000)}\r\nContent-Length: 1\r\n\r\n7`)
    for (const sizes of [[1], [2, 3], [10_000]])
      assert.deepEqual(decode(contentLength(), chop(stream, sizes)).messages, [7])
  })
})

describe('contentLength() ends the stream, behind every message before it, at', () => {
  const faults: [title: string, stream: string, reason: string, pattern: RegExp][] = [
    ['a header without a length', 'X: 1\r\n\r\n{}', 'malformed', /a message has no Content-Length/],
    ['no header at all', '\r\n{}', 'malformed', /a message has no Content-Length/],
    ['a negative length', 'Content-Length: -2\r\n\r\n{}', 'malformed', /Content-Length.*"-2"/],
    ['a length that is no number', 'Content-Length: two\r\n\r\n{}', 'malformed', /Content-Length.*"two"/],
    ['a length with a fraction', 'Content-Length: 1.5\r\n\r\n{}', 'malformed', /Content-Length.*"1\.5"/],
    ['an empty length', 'Content-Length:\r\n\r\n{}', 'malformed', /Content-Length.*""/],
    ['a length of nothing', 'Content-Length: 0\r\n\r\n', 'malformed', /a message has no body/],
    [
      'a length above the maximum',
      'Content-Length: 65\r\n\r\n',
      'too-long',
      /a message of 65 bytes or more is longer than maxLength.*64 bytes/,
    ],
    ['a huge length', 'Content-Length: 99999999999999\r\n\r\n', 'too-long', /99999999999999 bytes/],
    ['a length beyond all numbers', `Content-Length: ${'9'.repeat(400)}\r\n\r\n`, 'malformed', /Content-Length/],
    ['text that is no header', 'Server listening\n', 'malformed', /a header was expected, not "Server listening"/],
    ['8 KiB without a header', 'x'.repeat(8193), 'malformed', /there is no message header in 8KiB/],
    ['a body that is not JSON', 'Content-Length: 2\r\n\r\n{]', 'malformed', /a body is not JSON/],
    ['the end of the stream in a body', 'Content-Length: 9\r\n\r\n{}', 'truncated', /ended in the middle of a message/],
    ['the end of the stream in a header', 'Content-Len', 'truncated', /ended in the middle of a message/],
    ['the end of the stream behind a header', 'Content-Length: 9\r\n', 'truncated', /ended in the middle of a message/],
    [
      'the end of the stream before a body',
      'Content-Length: 9\r\n\r\n',
      'truncated',
      /ended in the middle of a message/,
    ],
  ]
  for (const [title, stream, reason, pattern] of faults) {
    it(title, () => {
      const bytes = bytesOf(`Content-Length: 1\r\n\r\n7${stream}`)
      const splits = bytes.length > 1000 ? [[bytes], chop(bytes, [1])] : everySplit(bytes)
      for (const chunks of splits) {
        const { messages, fault } = decode(contentLength({ maxLength: 64 }), chunks)
        assert.deepEqual(messages, [7])
        assert.equal(fault?.reason, reason)
        assert.equal(fault.framing, 'contentLength')
        assert.match(fault.message, pattern)
      }
    })
  }
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { EventStreamParser, type ServerSentEvent } from '../../src/control/client/sse.ts'
import { frameText } from '../../src/control/api/stream/frames.ts'

function parsed(...pieces: readonly string[]): ServerSentEvent[] {
  const parser = new EventStreamParser()
  const events: ServerSentEvent[] = []
  for (const piece of pieces) parser.push(piece, (event) => events.push(event))
  return events
}

/** Text, and what it says: the examples of the specification, and its corners. */
const examples: readonly (readonly [text: string, events: readonly Partial<ServerSentEvent>[]])[] = [
  ['data: YHOO\ndata: +2\ndata: 10\n\n', [{ event: 'message', data: 'YHOO\n+2\n10' }]],
  [': a comment\n\ndata: first\nid: 1\n\ndata:second\nid\n\ndata:  third\n\n', [
    { data: 'first', id: '1' },
    { data: 'second', id: '' },
    { data: ' third', id: '' },
  ]],
  ['data\n\ndata\ndata\n\ndata:', [{ data: '' }, { data: '\n' }]],
  ['data:test\n\ndata: test\n\n', [{ data: 'test' }, { data: 'test' }]],
  ['event: add\ndata: 7\n\ndata: 8\n\n', [{ event: 'add', data: '7' }, { event: 'message', data: '8' }]],
  ['event: nothing to say\n\ndata: x\n\n', [{ event: 'message', data: 'x' }]],
  ['\u{FEFF}data: x\n\n', [{ data: 'x' }]],
  ['\u{FEFF}\u{FEFF}data: x\n\n', []],
  ['data: x\r\n\r\ndata: y\r\rdata: z\n\n', [{ data: 'x' }, { data: 'y' }, { data: 'z' }]],
  ['id: a\0b\ndata: x\n\n', [{ data: 'x', id: '' }]],
  ['retry: 10\nunknown: y\ndata: a:b: c\n\n', [{ data: 'a:b: c' }]],
  ['data: never ended\n', []],
] // prettier-ignore

void test('an event stream is read as the specification says', () => {
  for (const [text, events] of examples) {
    const read = parsed(text)
    assert.equal(read.length, events.length, JSON.stringify(text))
    for (const [index, event] of events.entries()) assert.deepEqual({ ...read[index], ...event }, read[index])
  }
})

void test('it may come in any pieces', () => {
  const line = fc.oneof(
    fc.string().map((text) => `data: ${text}`),
    fc.constantFrom('event: log', 'id: 7', ': heartbeat', 'data', 'retry: 1', ''),
    fc.string({ unit: 'grapheme' }),
  )
  const ends = fc.constantFrom('\n', '\r\n', '\r')
  const streams = fc.array(fc.tuple(line, ends).map((parts) => parts.join(''))).map((lines) => lines.join(''))
  fc.assert(
    fc.property(streams, fc.array(fc.nat()), (text, cuts) => {
      const at = [0, ...cuts.map((cut) => cut % (text.length + 1)), text.length].toSorted((a, b) => a - b)
      const pieces = at.slice(1).map((end, index) => text.slice(at[index], end))
      assert.deepEqual(parsed(...pieces), parsed(text))
      assert.deepEqual(parsed(...text.split('')), parsed(text), 'also one by one')
    }),
    { numRuns: 500 },
  )
})

void test('what the server writes is read as what it was', () => {
  const records = fc.record({ worker: fc.string(), msg: fc.string({ unit: 'binary' }), seq: fc.nat() })
  fc.assert(
    fc.property(fc.array(records, { maxLength: 8 }), (all) => {
      const text = all.map((data) => frameText({ topic: 'log', data: data as never })).join(':\n\n')
      const read = parsed(...text.split(/(?=\n)/)).map(({ data }) => JSON.parse(data) as unknown)
      assert.deepEqual(read, JSON.parse(JSON.stringify(all)))
    }),
  )
})

void test('a long line that comes in many pieces is put together once', () => {
  const parser = new EventStreamParser()
  const long = `data: ${'x'.repeat(2 ** 20)}\n\n`
  let read = 0
  const began = process.cpuUsage()
  for (const one of long) parser.push(one, ({ data }) => (read += data.length))
  assert.equal(read, 2 ** 20)
  const { user } = process.cpuUsage(began)
  // A copy of all that has come, at each piece, would be 500 GB.
  assert.ok(user < 10_000_000, `${user / 1000} ms`)
})

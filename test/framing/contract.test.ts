import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { contentLength, json, jsonRpc, lengthPrefixed, lines, raw, structured } from '../../src/framing/index.ts'
import { joinBytes, testFraming } from '../contracts/framing.ts'

/** Any text that UTF-8 can carry, without the ends that `lines()` takes for its own. */
const line = fc.string({ unit: 'binary', maxLength: 60 }).map((text) => text.replaceAll('\n', '\v').replace(/\r+$/, ''))
/** What is left of any value in JSON: there is no -0, for one. */
const value = fc.jsonValue().map((any) => JSON.parse(JSON.stringify(any)) as unknown)
const rpc = fc.tuple(fc.nat(), value).map(([id, result]) => ({ jsonrpc: '2.0', id, result }))
const clonable = fc.oneof(value, fc.anything({ withMap: true, withDate: true, withTypedArray: true, withBigInt: true }))
const bytes = fc.uint8Array({ maxLength: 200 })
const block = (length: number): Uint8Array => new Uint8Array(length).fill(7)
const list = (length: number): unknown[] => Array<unknown>(length / 8).fill('abcde')
const text = (length: number): string => 'é'.repeat(length / 2 - 1)

testFraming('lines()', () => lines(), line, { long: text })
testFraming('lines() that skips', () => lines({ onOverlong: 'skip', maxLength: '8MiB' }), line, { long: text })
testFraming('lines() that cuts', () => lines({ onOverlong: 'cut', maxLength: '8MiB' }), line, { long: text })
testFraming('json()', () => json(), value, { long: text })
testFraming('jsonRpc()', () => jsonRpc(), fc.oneof(value, rpc), { long: text })
testFraming('structured() of what is in JSON', () => structured(), fc.oneof(value, rpc), { long: list })
testFraming('structured()', () => structured(), clonable, {
  long: block,
  normal: (all) => all.map((one) => structuredClone(one)),
})
testFraming('contentLength()', () => contentLength(), value, { long: text })
testFraming('lengthPrefixed({ header: 1 })', () => lengthPrefixed({ header: 1 }), bytes, { long: () => block(255) })
testFraming('lengthPrefixed({ header: 2 })', () => lengthPrefixed({ header: 2 }), bytes, { long: () => block(65_535) })
testFraming('lengthPrefixed()', () => lengthPrefixed(), bytes, { long: block })
testFraming(
  'raw()',
  () => raw(),
  bytes.filter((one) => one.length > 0),
  { long: block, normal: joinBytes },
)

test('every framing refuses options that it does not have', () => {
  for (const make of [lines, json, jsonRpc, structured, contentLength, lengthPrefixed]) {
    const framing = make as (options?: unknown) => unknown
    assert.throws(() => framing({ maxLen: 5 }), {
      name: 'TypeError',
      message: new RegExp(`^Cannot make ${make.name}\\(\\): there is no option "maxLen"; there (is|are) .*maxLength`),
    })
    for (const options of [null, 5, 'text'])
      assert.throws(() => framing(options), {
        name: 'TypeError',
        message: `Cannot make ${make.name}(): expected an object, not ${JSON.stringify(options)}`,
      })
  }
})

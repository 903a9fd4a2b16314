import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { raw } from '../../src/framing/index.ts'
import { bytesOf, decode } from '../contracts/framing.ts'

describe('raw()', () => {
  it('makes a message of each chunk, in memory of its own', () => {
    assert.deepEqual(decode(raw(), [bytesOf('ab'), bytesOf('c')]), {
      messages: [bytesOf('ab'), bytesOf('c')],
      notices: [],
      fault: undefined,
    })
  })

  it('writes bytes as they are, and nothing else', () => {
    assert.deepEqual(raw().encode(Uint8Array.of(1, 2)), Uint8Array.of(1, 2))
    assert.throws(() => raw().encode('text' as unknown as Uint8Array), {
      code: 'ERR_PAGENT_FRAMING',
      reason: 'unencodable',
      message: 'raw() carries a Uint8Array, not string',
    })
  })
})

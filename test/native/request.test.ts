import assert from 'node:assert/strict'
import { test } from 'node:test'
import { needsCompiler } from '../support/compile.ts'
import { scaled } from '../support/scale.ts'
import { program, run } from './program.ts'

void test('no body is too damaged for the parser of requests', { skip: needsCompiler }, async () => {
  const sources = ['test/native/request-test.c', 'native/request.c']
  const { code, lines } = await run(program('request-test', sources, { sanitized: true }), [String(scaled(200_000))])
  assert.equal(code, 0, lines.join('\n'))
  const [, bodies, requests] = /^(\d+) bodies, (\d+) requests$/.exec(lines.join('\n')) ?? []
  assert.equal(Number(bodies), scaled(200_000))
  assert.ok(Number(requests) > Number(bodies) / 10, `only ${requests} of them were requests`)
})

void test('commands come to the same wherever they are cut into pieces', { skip: needsCompiler }, async () => {
  const sources = ['test/native/commands-test.c', 'native/commands.c', 'native/request.c']
  const { code, lines } = await run(program('commands-test', sources, { sanitized: true }), [String(scaled(200))])
  assert.equal(code, 0, lines.join('\n'))
  assert.match(lines.join('\n'), new RegExp(`^${scaled(200)} rounds, \\d+ starts$`))
})

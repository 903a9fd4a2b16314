import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EventRecord } from '../../src/control/api/wire.ts'
import { CrashLoops } from '../../src/control/fleet/watch/crash-loops.ts'

let seq = 0
const fact = (type: string, more: object): EventRecord => ({ seq: ++seq, at: 0, worker: 'w', type, ...more })
const spawned = (): EventRecord => fact('spawned', { pid: 7 })
const failed = (exitCode: number, uptime = 10): EventRecord =>
  fact('exited', { exit: { kind: 'failed', exitCode, id: 'w', uptime, usage: {}, stdoutTail: '', stderrTail: '' } })
const again = (repeated: boolean): EventRecord => fact('restart-scheduled', { after: 10_000, attempt: 9, repeated })

/** How many words the log has for each of these. */
function said(...events: EventRecord[]): number[] {
  const loops = new CrashLoops()
  return events.map((event) => (loops.remarkOn('w', event) === undefined ? 0 : 1))
}

void test('while the waits grow, each life is told', () => {
  assert.deepEqual(said(spawned(), failed(1), again(false), spawned(), failed(1), again(false)), [1, 1, 1, 1, 1, 1])
})

void test('once they grow no more that is said, and then nothing that is like before', () => {
  const round = [spawned(), failed(1), again(true)]
  assert.deepEqual(said(...round, ...round, ...round), [1, 1, 1, 0, 0, 0, 0, 0, 0])
})

void test('another end is told, and so is what follows', () => {
  const round = [spawned(), failed(1), again(true)]
  assert.deepEqual(
    said(...round, ...round, spawned(), failed(2), again(true), spawned()),
    [1, 1, 1, 0, 0, 0, 0, 1, 1, 0],
  )
})

void test('the same end after a long life is told', () => {
  const round = [spawned(), failed(1), again(true)]
  assert.deepEqual(said(...round, spawned(), failed(1, 60_000), again(false)), [1, 1, 1, 0, 1, 1])
})

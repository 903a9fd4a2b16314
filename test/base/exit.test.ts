import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FramingError } from '../../src/base/errors.ts'
import { type Exit, type ExitCause, NO_USAGE, describeExit, isAbnormal, plainExit } from '../../src/base/exit.ts'

const FACTS = {
  id: 'a',
  pid: 7,
  incarnation: 1,
  startedAt: 0,
  uptime: 1234,
  usage: NO_USAGE,
  stdoutTail: '',
  stderrTail: '',
}
const exitOf = (cause: ExitCause): Exit => ({ ...FACTS, ...cause })
const limit = { kind: 'limit', enforcedBy: 'master', exact: true } as const

const CASES: [cause: ExitCause, abnormal: boolean, text: string][] = [
  [{ kind: 'normal' }, false, 'exited with code 0 after 1.2s'],
  [{ kind: 'failed', exitCode: 3 }, true, 'exited with code 3 after 1.2s'],
  [{ kind: 'signaled', signalCode: 'SIGSEGV' }, true, 'was killed by SIGSEGV after 1.2s'],
  [
    { kind: 'signaled', signalCode: 'SIGKILL', hint: 'system-oom' },
    true,
    'was killed by SIGKILL (the system ran out of memory) after 1.2s',
  ],
  [{ kind: 'stopped', step: 'farewell', exitCode: 0 }, false, 'was stopped by its farewell message after 1.2s'],
  [{ kind: 'stopped', step: 'eof', exitCode: 1 }, false, 'was stopped by the end of its stdin after 1.2s'],
  [{ kind: 'stopped', step: 'SIGTERM', signalCode: 'SIGTERM' }, false, 'was stopped by SIGTERM after 1.2s'],
  [
    { ...limit, limit: 'memory', max: 2 ** 28, observed: 2 ** 29 },
    true,
    'was ended at its limit memory (512MiB of 256MiB, enforced by master) after 1.2s',
  ],
  [
    { ...limit, limit: 'output', max: 1024, observed: 1536 },
    true,
    'was ended at its limit output (1.5KiB of 1KiB, enforced by master) after 1.2s',
  ],
  [
    { ...limit, limit: 'fileSize', max: 1024, observed: 1024 },
    true,
    'was ended at its limit fileSize (1KiB of 1KiB, enforced by master) after 1.2s',
  ],
  [
    { ...limit, limit: 'cpuTime', max: 1000, observed: 1100 },
    true,
    'was ended at its limit cpuTime (1.1s of 1s, enforced by master) after 1.2s',
  ],
  [
    { ...limit, limit: 'wallTime', max: 60_000, observed: 60_001 },
    true,
    'was ended at its limit wallTime (1m of 1m, enforced by master) after 1.2s',
  ],
  [
    { ...limit, limit: 'idle', max: 500, observed: 501 },
    true,
    'was ended at its limit idle (501ms of 500ms, enforced by master) after 1.2s',
  ],
  [
    { ...limit, limit: 'cpus', max: 1.5, observed: 2 },
    true,
    'was ended at its limit cpus (2 of 1.5, enforced by master) after 1.2s',
  ],
  [
    { ...limit, limit: 'processes', max: 4, observed: 5 },
    true,
    'was ended at its limit processes (5 of 4, enforced by master) after 1.2s',
  ],
  [
    { ...limit, limit: 'openFiles', max: 64, observed: 64 },
    true,
    'was ended at its limit openFiles (64 of 64, enforced by master) after 1.2s',
  ],
  [{ kind: 'unready', after: 30_000 }, true, 'was ended because it was not ready within 30s'],
  [{ kind: 'unresponsive', after: 500 }, true, 'was ended because it did not answer within 500ms after 1.2s'],
  [
    { kind: 'protocol', error: new FramingError('json', 'malformed', 'a line is not JSON: "x"') },
    true,
    'was ended because of its output: a line is not JSON: "x" after 1.2s',
  ],
  [{ kind: 'crashed', error: new Error('no such file') }, true, 'crashed: no such file after 1.2s'],
  [{ kind: 'crashed', error: new Error('boom'), stage: 'onMessage' }, true, 'crashed in onMessage: boom after 1.2s'],
  [
    { kind: 'gave-up', exits: [exitOf({ kind: 'normal' }), exitOf({ kind: 'failed', exitCode: 3 })] },
    false,
    'gave up after 2 exits, the last: "a" exited with code 3 after 1.2s',
  ],
  [
    { kind: 'gave-up', exits: [{ ...exitOf({ kind: 'gave-up', exits: [exitOf({ kind: 'normal' })] }), id: 'b' }] },
    false,
    'gave up: "a" exited with code 0 after 1.2s',
  ],
  [{ kind: 'stopped', step: 'abort' }, false, 'was stopped by its abort signal after 1.2s'],
  [
    { kind: 'lost', node: 'n1', cause: 'the connection broke' },
    true,
    'was lost with node n1: the connection broke after 1.2s',
  ],
]

describe('an exit', () => {
  it('of what is no program knows no code', () => {
    assert.equal(describeExit(plainExit('a', { kind: 'normal' }, 0, 1, 500)), 'ended by itself after 500ms')
  })

  for (const [cause, abnormal, text] of CASES) {
    it(`is ${abnormal ? 'abnormal' : 'as it should be'} when it ${text}`, () => {
      assert.equal(describeExit(exitOf(cause)), text)
      assert.equal(isAbnormal(exitOf(cause)), abnormal)
    })
  }
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  AlreadyStartedError,
  ClosedError,
  ExitError,
  FramingError,
  LimitUnsupportedError,
  OverloadError,
  PagentError,
  ProtocolError,
  SpawnError,
  TimeoutError,
  UnknownWorkerError,
} from '../../src/base/errors.ts'
import { type Exit, type ExitCause, NO_USAGE } from '../../src/base/exit.ts'

function exitOf(cause: ExitCause, stderrTail = '', stdoutTail = ''): Exit {
  return { id: 'a', incarnation: 1, startedAt: 0, uptime: 5, usage: NO_USAGE, stdoutTail, stderrTail, ...cause }
}

const FAILED: ExitCause = { kind: 'failed', exitCode: 3 }
const many = Array.from({ length: 12 }, (_, i) => `w${i}`)

const CASES: [error: PagentError, name: string, code: string, message: string][] = [
  [
    new SpawnError('a', './x', 'command', './x does not exist'),
    'SpawnError',
    'ERR_PAGENT_SPAWN',
    'Cannot start worker "a": ./x does not exist',
  ],
  [
    new ExitError('call', exitOf(FAILED)),
    'ExitError',
    'ERR_PAGENT_EXIT',
    'Cannot call worker "a": it exited with code 3 after 5ms',
  ],
  [
    new ExitError('call', exitOf(FAILED, '1\n2\n3\n4\n', 'out')),
    'ExitError',
    'ERR_PAGENT_EXIT',
    'Cannot call worker "a": it exited with code 3 after 5ms; its last stderr:\n  2\n  3\n  4',
  ],
  [
    new ExitError('call', exitOf(FAILED, ' \n', 'out\n')),
    'ExitError',
    'ERR_PAGENT_EXIT',
    'Cannot call worker "a": it exited with code 3 after 5ms; its last output:\n  out',
  ],
  [new ClosedError('gone'), 'ClosedError', 'ERR_PAGENT_CLOSED', 'gone'],
  [new TimeoutError('late', 'select', 5), 'TimeoutError', 'ERR_PAGENT_TIMEOUT', 'late'],
  [new FramingError('json', 'malformed', 'bad', { length: 3 }), 'FramingError', 'ERR_PAGENT_FRAMING', 'bad'],
  [new ProtocolError('odd'), 'ProtocolError', 'ERR_PAGENT_PROTOCOL', 'odd'],
  [new OverloadError('full', 8, 4), 'OverloadError', 'ERR_PAGENT_OVERLOAD', 'full'],
  [
    new LimitUnsupportedError('a', 'cpus', 'there is no cgroup'),
    'LimitUnsupportedError',
    'ERR_PAGENT_LIMIT_UNSUPPORTED',
    'Cannot start worker "a" with the limit cpus: there is no cgroup',
  ],
  [
    new UnknownWorkerError('a', []),
    'UnknownWorkerError',
    'ERR_PAGENT_UNKNOWN_WORKER',
    'Cannot delete worker "a": there is no worker of that name (there are no workers)',
  ],
  [
    new UnknownWorkerError('a', ['b', 'c']),
    'UnknownWorkerError',
    'ERR_PAGENT_UNKNOWN_WORKER',
    'Cannot delete worker "a": there is no worker of that name (known: b, c)',
  ],
  [
    new UnknownWorkerError('a', many),
    'UnknownWorkerError',
    'ERR_PAGENT_UNKNOWN_WORKER',
    'Cannot delete worker "a": there is no worker of that name (known: w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, …)',
  ],
  [
    new AlreadyStartedError('a', 'running', 7),
    'AlreadyStartedError',
    'ERR_PAGENT_ALREADY_STARTED',
    'Cannot start worker "a": it is running (pid 7); stop() it first, or restart() it',
  ],
  [
    new AlreadyStartedError('a', 'backoff', undefined),
    'AlreadyStartedError',
    'ERR_PAGENT_ALREADY_STARTED',
    'Cannot start worker "a": it is backoff; stop() it first, or restart() it',
  ],
]

describe('an error', () => {
  for (const [error, name, code, message] of CASES) {
    it(`${code} says: ${message.split('\n', 1)[0]}`, () => {
      assert.equal(error.name, name)
      assert.equal(error.code, code)
      assert.equal(error.message, message)
      assert.ok(error instanceof PagentError && error instanceof Error)
      assert.ok(PagentError.is(error))
      assert.ok(error.stack?.startsWith(name))
    })
  }

  it('is known as one of this package also in another copy of it', () => {
    assert.ok(PagentError.is(Object.assign(new Error('x'), { code: 'ERR_PAGENT_CLOSED' })))
    assert.ok(!PagentError.is(Object.assign(new Error('x'), { code: 'ERR_OTHER' })))
    assert.ok(!PagentError.is({ code: 'ERR_PAGENT_CLOSED' }))
    for (const value of [undefined, null, 'ERR_PAGENT_CLOSED', new Error('x')]) assert.ok(!PagentError.is(value))
  })

  it('of an exit names the error behind it as its cause', () => {
    const error = new Error('boom')
    assert.equal(new ExitError('start', exitOf({ kind: 'crashed', error })).cause, error)
    assert.equal(new ExitError('start', exitOf(FAILED)).cause, undefined)
  })

  it('of an exit quotes a few hundred characters at most', () => {
    assert.ok(new ExitError('start', exitOf(FAILED, 'x'.repeat(4096))).message.length < 700)
  })
})

describe('an error of another copy of the package', () => {
  /** As it would be in a bundle: same name and code, another class. */
  const foreign = Object.assign(new Error('odd'), { name: 'FramingError', code: 'ERR_PAGENT_FRAMING' })

  it('is one of its class, and of the base, and of no other', () => {
    assert.ok(foreign instanceof FramingError)
    assert.ok(foreign instanceof PagentError)
    assert.ok(!(foreign instanceof ClosedError))
  })

  it('is not what only has its name', () => {
    for (const other of [Object.assign(new Error('x'), { name: 'FramingError' }), { name: 'FramingError' }, null, 5])
      assert.ok(!((other as unknown) instanceof FramingError))
  })
})

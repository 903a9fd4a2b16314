import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FramingError } from '../../src/base/errors.ts'
import {
  type Exit,
  type ExitCause,
  type ExitFacts,
  NO_USAGE,
  describeExit,
  isAbnormal,
  plainExit,
  quoteTail,
} from '../../src/base/exit.ts'

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
    'was ended because of its output: a line is not JSON: "x" (stdout belongs to the messages: what is for people goes to stderr) after 1.2s',
  ],
  [
    { kind: 'protocol', error: new FramingError('json', 'too-long', 'a message is too long') },
    true,
    'was ended because of its output: a message is too long after 1.2s',
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

/** What programs write when they crash, and what of it an error quotes. */
const CRASHES: readonly { of: string; says: string; quoted: readonly string[] }[] = [
  {
    of: 'Node, with a stack',
    says: `[eval]:1\nnull.x\n     ^\n\nTypeError: Cannot read properties of null (reading 'x')\n    at [eval]:1:6
    at node:internal/main/eval_string:71:3\n\nNode.js v24.21.0\n`,
    quoted: ['[eval]:1', 'null.x', "TypeError: Cannot read properties of null (reading 'x')"],
  },
  {
    of: 'Node, with properties and a cause behind the stack',
    says: `Error: ENOENT: no such file, open '/nope'\n    at Object.openSync (node:fs:621:18)\n    at main.js:71:3 {
  errno: -2,\n  path: '/nope',\n  [cause]: Error: inner\n      at main.js:3:3\n}\n\nNode.js v24.21.0\n`,
    quoted: ["Error: ENOENT: no such file, open '/nope'"],
  },
  {
    of: 'Node, where no error was thrown',
    says: "a.js:1\nthrow 'x'\n^\nx\n(Use `node --trace-uncaught ...`)\n\nNode.js v24.21.0\n",
    quoted: ["throw 'x'", 'x', '(Use `node --trace-uncaught ...`)'],
  },
  {
    of: 'Node, which said something after an error that it caught',
    says: 'Error: no database\n    at main.js:3:3\ntrying another\nthere is none\n',
    quoted: ['Error: no database', 'trying another', 'there is none'],
  },
  {
    of: 'Python',
    says: 'Traceback (most recent call last):\n  File "a.py", line 3, in f\n    g(1)\n    ~^^^\nValueError: no database\n',
    quoted: ['  File "a.py", line 3, in f', '    g(1)', 'ValueError: no database'],
  },
  {
    of: 'Java',
    says: `Exception in thread "main" java.lang.RuntimeException: cannot start\n\tat A.main(A.java:1)
Caused by: java.lang.IllegalStateException: no database\n\tat A.f(A.java:1)\n\t... 1 more\n`,
    quoted: [
      'Exception in thread "main" java.lang.RuntimeException: cannot start',
      'Caused by: java.lang.IllegalStateException: no database',
    ],
  },
  {
    of: 'Go',
    says: `panic: index out of range [5] with length 1\n\ngoroutine 1 [running]:\nmain.f(...)\n\t/tmp/a.go:2
main.(*T).g(0x1, {0x2})\n\t/tmp/a.go:3 +0x1d\ncreated by main.main in goroutine 1\n\t/tmp/a.go:9\nexit status 2\n`,
    quoted: ['panic: index out of range [5] with length 1'],
  },
  {
    of: 'Rust',
    says: "\nthread 'main' (673) panicked at a.rs:1:30:\nno database\nnote: run with `RUST_BACKTRACE=1`\n",
    quoted: ["thread 'main' (673) panicked at a.rs:1:30:", 'no database', 'note: run with `RUST_BACKTRACE=1`'],
  },
  {
    of: 'Rust, with a backtrace',
    says: `\nthread 'main' (673) panicked at a.rs:1:30:\nno database\nstack backtrace:\n   0: __rustc::rust_begin_unwind
             at /rustc/std/src/panicking.rs:689:5\n   1: a::main\nnote: Some details are omitted.\n`,
    quoted: ["thread 'main' (673) panicked at a.rs:1:30:", 'no database'],
  },
  { of: 'a stack alone', says: '    at a.js:1:1\n    at a.js:2:2\n', quoted: ['    at a.js:1:1', '    at a.js:2:2'] },
  {
    of: 'a program that shows how it is used',
    says: 'error: no such option\n\nUsage: x [options]\n  --a\n  --b\n',
    quoted: ['Usage: x [options]', '  --a', '  --b'],
  },
]

const wordsOf = (facts: Partial<ExitFacts>): string =>
  quoteTail({ ...exitOf({ kind: 'failed', exitCode: 1 }), ...facts })

describe('the last words of', () => {
  for (const { of, says, quoted } of CRASHES) {
    it(`${of} are the lines that say what went wrong`, () => {
      const [, ...lines] = wordsOf({ stderrTail: says }).split('\n  ')
      assert.deepEqual(lines, quoted)
    })
  }

  it('a worker that speaks in messages are not its messages', () => {
    const stdoutTail = '{"jsonrpc":"2.0","id":1,"result":"a secret"}\n'
    for (const framing of ['json', 'jsonRpc', 'contentLength', 'structured', 'lengthPrefixed', 'mine'])
      assert.equal(wordsOf({ framing, stdoutTail }), '')
    for (const framing of ['lines', 'raw', undefined])
      assert.match(wordsOf({ framing, stdoutTail } as ExitFacts), /^; its last output:\n {2}\{.*a secret"\}$/)
  })
})

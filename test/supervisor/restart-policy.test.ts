import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FramingError, SpawnError } from '../../src/base/errors.ts'
import { type Exit, type ExitCause, NO_USAGE } from '../../src/base/exit.ts'
import type { Restart } from '../../src/supervisor/child.ts'
import { type RestartDecision, type RestartOptions, RestartPolicy } from '../../src/supervisor/restart-policy.ts'

const FACTS = { id: 'a', incarnation: 1, startedAt: 0, uptime: 10, usage: NO_USAGE, stdoutTail: '', stderrTail: '' }
const exitOf = (cause: ExitCause, uptime = 10): Exit => ({ ...FACTS, uptime, ...cause })
const FAILED = exitOf({ kind: 'failed', exitCode: 1 })
const notSpawned = (errno: string): Exit =>
  exitOf({ kind: 'crashed', error: new SpawnError('a', 'b', 'spawn', 'x', { errno }) })
const MANY = { restarts: 1_000_000, within: '1h' }

/** Decides on failures at these times. */
function decideAt(policy: RestartPolicy, times: readonly number[], exit = FAILED): RestartDecision[] {
  return times.map((now) => policy.decide(exit, now, 0))
}

const actions = (decisions: readonly RestartDecision[]): string[] => decisions.map((decision) => decision.action)

/** The waits of so many failures in a row. */
function waits(options: RestartOptions, count: number, dice = 0): number[] {
  const policy = new RestartPolicy({ intensity: MANY, ...options }, 'permanent')
  return Array.from({ length: count }, (_, i) => {
    const decision = policy.decide(FAILED, i, dice)
    return decision.action === 'restart' ? decision.after : Number.NaN
  })
}

describe('what is restarted after which exit', () => {
  const causes: [cause: ExitCause, permanent: boolean, transient: boolean][] = [
    [{ kind: 'normal' }, true, false],
    [{ kind: 'failed', exitCode: 1 }, true, true],
    [{ kind: 'signaled', signalCode: 'SIGKILL' }, true, true],
    [{ kind: 'stopped', step: 'eof' }, true, false],
    [{ kind: 'limit', limit: 'memory', max: 1, observed: 2, enforcedBy: 'cgroup2', exact: true }, true, true],
    [{ kind: 'unready', after: 1 }, true, true],
    [{ kind: 'unresponsive', after: 1 }, true, true],
    [{ kind: 'protocol', error: new FramingError('json', 'malformed', 'x') }, true, true],
    [{ kind: 'crashed', error: new Error('x') }, true, true],
    [{ kind: 'gave-up', exits: [] }, true, false],
    [{ kind: 'lost', node: 'n', cause: 'x' }, true, true],
  ]
  for (const [cause, permanent, transient] of causes) {
    const expected: [Restart, boolean][] = [
      ['permanent', permanent],
      ['transient', transient],
      ['temporary', false],
    ]
    for (const [restart, again] of expected) {
      it(`${restart}, ${cause.kind}: ${again ? 'again' : 'not again'}`, () => {
        const { action } = new RestartPolicy({ restart }, 'temporary').decide(exitOf(cause), 0, 0)
        assert.equal(action, again ? 'restart' : 'finish')
      })
    }
  }

  it('is what its owner says where the child says nothing', () => {
    assert.equal(new RestartPolicy({}, 'temporary').decide(FAILED, 0, 0).action, 'finish')
    assert.equal(new RestartPolicy({}, 'permanent').decide(FAILED, 0, 0).action, 'restart')
  })
})

describe('how many restarts are borne', () => {
  it('three in five seconds, and the fourth failure is too much', () => {
    assert.deepEqual(actions(decideAt(new RestartPolicy({}, 'permanent'), [0, 1, 2, 3])), [
      'restart',
      'restart',
      'restart',
      'give-up',
    ])
  })

  const cases: [
    title: string,
    intensity: { restarts: number; within: string },
    times: number[],
    giveUpAt: number | undefined,
  ][] = [
    [
      'a failure is forgotten once the window has passed',
      { restarts: 1, within: '1s' },
      [0, 1000, 2000, 3000],
      undefined,
    ],
    ['but not a millisecond before', { restarts: 1, within: '1s' }, [0, 999], 1],
    ['the window slides with each exit', { restarts: 2, within: '1s' }, [0, 600, 1100, 1599], 3],
    ['none at all', { restarts: 0, within: '5s' }, [0], 0],
  ]
  for (const [title, intensity, times, giveUpAt] of cases) {
    it(title, () => {
      const decided = actions(decideAt(new RestartPolicy({ intensity }, 'permanent'), times))
      assert.equal(decided.includes('give-up') ? decided.indexOf('give-up') : undefined, giveUpAt)
    })
  }

  it('counts a failure when it happens: however long each restart waits, four failures are four', () => {
    const policy = new RestartPolicy(
      { intensity: { restarts: 3, within: '10s' }, backoff: { min: '3s', max: '3s', jitter: 0 } },
      'permanent',
    )
    const decided: string[] = []
    for (let now = 0; !decided.includes('give-up');) {
      const decision = policy.decide(FAILED, now, 0)
      decided.push(decision.action)
      now += decision.action === 'restart' ? decision.after : 0
    }
    assert.deepEqual(decided, ['restart', 'restart', 'restart', 'give-up'])
  })

  it('does not count an exit after which nothing is restarted', () => {
    const policy = new RestartPolicy({ restart: 'transient', intensity: { restarts: 1, within: '5s' } }, 'temporary')
    const normal = exitOf({ kind: 'normal' })
    assert.deepEqual(actions([...decideAt(policy, [0, 1, 2], normal), ...decideAt(policy, [3])]), [
      'finish',
      'finish',
      'finish',
      'restart',
    ])
  })

  it('does not charge what the system was short of, but waits longer and longer', () => {
    const policy = new RestartPolicy(
      { intensity: { restarts: 0, within: '1h' }, backoff: { min: 1, max: 9 } },
      'permanent',
    )
    for (const errno of ['EAGAIN', 'EMFILE', 'ENFILE', 'ENOMEM', 'ENOBUFS'])
      assert.equal(policy.decide(notSpawned(errno), 0, 0).action, 'restart', errno)
    assert.equal(policy.decide(notSpawned('ENOENT'), 0, 0).action, 'give-up')
  })

  it('keeps the last 32 exits to explain itself, however many there were', () => {
    const policy = new RestartPolicy({ intensity: { restarts: 99, within: '5s' } }, 'permanent')
    const decided = decideAt(
      policy,
      Array.from({ length: 100 }, (_, i) => i),
    ).at(-1)
    assert.equal(decided?.action === 'give-up' && decided.exits.length, 32)
  })

  it('ends with the exits that were too many, and a revived child has a fresh budget and a short wait', () => {
    const policy = new RestartPolicy(
      { intensity: { restarts: 1, within: '5s' }, backoff: { min: 10, max: 1000, jitter: 0 } },
      'permanent',
    )
    const exits = [1, 2, 3].map((exitCode) => exitOf({ kind: 'failed', exitCode }))
    policy.decide(exits[0] as Exit, 0, 0)
    policy.decide(exits[1] as Exit, 5000, 0)
    assert.deepEqual(policy.decide(exits[2] as Exit, 5001, 0), { action: 'give-up', exits: exits.slice(1) })
    assert.deepEqual(policy.decide(FAILED, 5002, 0), { action: 'restart', attempt: 1, after: 10, repeated: false })
    assert.equal(policy.decide(FAILED, 5003, 0).action, 'give-up')
  })
})

describe('how long a restart waits', () => {
  const cases: [title: string, backoff: RestartOptions['backoff'], expected: number[]][] = [
    ['twice as long each time', { min: 100, max: 10_000, jitter: 0 }, [100, 200, 400, 800, 1600, 3200, 6400]],
    ['but never longer than its maximum', { min: 100, max: 500, jitter: 0 }, [100, 200, 400, 500, 500, 500]],
    ['by another factor', { min: 10, max: '1s', factor: 3, jitter: 0 }, [10, 30, 90, 270, 810, 1000]],
    ['always the same with a factor of one', { min: 50, max: 1000, factor: 1, jitter: 0 }, [50, 50, 50]],
    ['not at all when it may not', { min: 0, max: 0 }, [0, 0, 0]],
    ['not at all when nothing is doubled', { min: 0, max: '1s', jitter: 0 }, [0, 0, 0]],
    ['100 ms, doubled, by default', undefined, [100, 200, 400]],
  ]
  for (const [title, backoff, expected] of cases) {
    it(title, () => assert.deepEqual(waits({ backoff }, expected.length), expected))
  }

  it('its maximum, or nothing, also after thousands of failures', () => {
    assert.equal(waits({ backoff: { min: 100, max: '10s', jitter: 0 } }, 2000).at(-1), 10_000)
    assert.equal(waits({ backoff: { min: 0, max: '10s', jitter: 0 } }, 2000).at(-1), 0)
  })

  const dice: [jitter: number, dice: number, expected: number[]][] = [
    [1, 0, [100, 200, 400]],
    [1, 0.5, [50, 100, 200]],
    [1, 1, [0, 0, 0]],
    [0.5, 1, [50, 100, 200]],
    [0, 1, [100, 200, 400]],
  ]
  for (const [jitter, die, expected] of dice) {
    it(`${expected[0]} ms of 100 with a jitter of ${jitter}, when the dice show ${die}`, () => {
      assert.deepEqual(waits({ backoff: { min: 100, max: 1000, jitter } }, 3, die), expected)
    })
  }

  it('counts its attempts from one', () => {
    const policy = new RestartPolicy({ intensity: MANY, backoff: { min: 1, max: 8, jitter: 0 } }, 'permanent')
    assert.deepEqual(decideAt(policy, [0, 1]), [
      { action: 'restart', attempt: 1, after: 1, repeated: false },
      { action: 'restart', attempt: 2, after: 2, repeated: false },
    ])
  })

  it('says when a wait is like the last, so that a log has one line for each step', () => {
    const policy = new RestartPolicy({ intensity: MANY, backoff: { min: 1, max: 4, jitter: 0.5 } }, 'permanent')
    const repeated = decideAt(policy, [0, 1, 2, 3, 4]).map((decision) => 'repeated' in decision && decision.repeated)
    assert.deepEqual(repeated, [false, false, false, true, true])
  })

  it('starts small again when the child has proved that it works', () => {
    const policy = new RestartPolicy({ intensity: MANY, backoff: { min: 1, max: 1000, jitter: 0 } }, 'permanent')
    decideAt(policy, [0, 1, 2])
    policy.proved()
    assert.deepEqual(policy.decide(FAILED, 3, 0), { action: 'restart', attempt: 1, after: 1, repeated: false })
  })

  it('starts small again after a life as long as the window, not before', () => {
    const policy = new RestartPolicy(
      { intensity: { restarts: 100, within: '5s' }, backoff: { min: 1, max: 1000, jitter: 0 } },
      'permanent',
    )
    decideAt(policy, [0, 1, 2])
    assert.deepEqual(decideAt(policy, [3], exitOf({ kind: 'normal' }, 4999)), [
      { action: 'restart', attempt: 4, after: 8, repeated: false },
    ])
    assert.deepEqual(decideAt(policy, [4], exitOf({ kind: 'normal' }, 5000)), [
      { action: 'restart', attempt: 1, after: 1, repeated: false },
    ])
  })

  it('grows on although it had proved itself, once the budget still stands: proof is no pardon', () => {
    const policy = new RestartPolicy({ intensity: { restarts: 2, within: '5s' } }, 'permanent')
    const decided = [0, 1, 2].map((now) => {
      policy.proved()
      return policy.decide(FAILED, now, 0).action
    })
    assert.deepEqual(decided, ['restart', 'restart', 'give-up'])
  })
})

describe('a policy that cannot be is refused:', () => {
  const bad: [options: object, name: string, message: RegExp][] = [
    [
      { restart: 'always' },
      'TypeError',
      /Cannot use "always" as restart: expected 'permanent', 'transient' or 'temporary'/,
    ],
    [
      { intensity: { restarts: -1, within: 1 } },
      'RangeError',
      /Cannot use -1 as intensity\.restarts: expected a whole number from 0/,
    ],
    [{ intensity: { restarts: 1.5, within: 1 } }, 'RangeError', /intensity\.restarts/],
    [{ intensity: { restarts: 1, within: '0s' } }, 'RangeError', /Cannot use 0 as intensity\.within/],
    [
      { intensity: { restarts: 1, within: 'soon' } },
      'RangeError',
      /Cannot use "soon" as intensity\.within: expected a duration/,
    ],
    [{ backoff: { min: -1, max: 1 } }, 'RangeError', /Cannot use -1 as backoff\.min/],
    [{ backoff: { min: 1, max: 'x' } }, 'RangeError', /Cannot use "x" as backoff\.max/],
    [
      { backoff: { min: '2s', max: '1s' } },
      'RangeError',
      /Cannot use backoff\.min 2000ms: it is above backoff\.max 1000ms/,
    ],
    [
      { backoff: { min: 1, max: 2, factor: 0.5 } },
      'RangeError',
      /Cannot use 0\.5 as backoff\.factor: expected a number from 1/,
    ],
    [{ backoff: { min: 1, max: 2, factor: Infinity } }, 'RangeError', /Cannot use Infinity as backoff\.factor/],
    [
      { backoff: { min: 1, max: 2, jitter: 1.1 } },
      'RangeError',
      /Cannot use 1\.1 as backoff\.jitter: expected a number from 0 to 1/,
    ],
    [{ backoff: { min: 1, max: 2, jitter: Number.NaN } }, 'RangeError', /Cannot use NaN as backoff\.jitter/],
  ]
  for (const [options, name, message] of bad) {
    it(JSON.stringify(options), () => assert.throws(() => new RestartPolicy(options, 'permanent'), { name, message }))
  }
})

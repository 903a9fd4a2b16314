import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Exit } from '../../src/base/exit.ts'
import type { Restart } from '../../src/supervisor/child.ts'
import { type AutoShutdown, type PlannedChild, type Strategy, planAfter } from '../../src/supervisor/plan.ts'

// The sentences in quotes are those of OTP's documentation: the moduledoc of supervisor, and "Supervisor Behaviour".

interface Known extends PlannedChild {
  readonly id: string
}

type Kind = Exit['kind']

/** `a b! (c) t:d`: in the order of their start; `!` is significant, `()` is down, `t:` transient, `x:` temporary. */
function family(text: string): Known[] {
  return text.split(' ').map((word) => ({
    id: word.replaceAll(/[()!]|[tx]:/g, ''),
    restart: (word.includes('t:') ? 'transient' : word.includes('x:') ? 'temporary' : 'permanent') satisfies Restart,
    significant: word.includes('!'),
    up: !word.startsWith('('),
  }))
}

interface Case {
  readonly strategy?: Strategy
  readonly autoShutdown?: AutoShutdown
  readonly children: string
  readonly ends: string
  readonly kind?: Kind
  readonly beforeReady?: boolean
}

/** `stop c b, start a b c`, `stay-down` or `shut-down`. */
function whatFollows({ strategy = 'one-for-one', autoShutdown = 'never', ...given }: Case): string {
  const children = family(given.children)
  const ended = children.find(({ id }) => id === given.ends) as Known
  const ending = { exit: { kind: given.kind ?? 'failed' }, ready: given.beforeReady !== true }
  const plan = planAfter({ strategy, autoShutdown }, children, ended, ending)
  if (plan.action !== 'restart') return plan.action
  const [stop, start] = [plan.stop, plan.start].map((list) => list.map(({ id }) => id).join(' '))
  return `stop ${stop || 'nobody'}, start ${start}`
}

function table(cases: readonly [sentence: string, given: Case, expected: string][]): void {
  for (const [sentence, given, expected] of cases) {
    void it(`${sentence}: ${expected}`, () => assert.equal(whatFollows(given), expected))
  }
}

void describe('restart type: "when a terminated child process must be restarted"', () => {
  const kinds: readonly Kind[] = [
    'failed',
    'signaled',
    'limit',
    'unready',
    'unresponsive',
    'protocol',
    'crashed',
    'lost',
  ]
  const inOrder: readonly Kind[] = ['normal', 'stopped', 'gave-up']
  for (const kind of [...kinds, ...inOrder]) {
    const again = 'stop nobody, start a'
    table([
      [`"a permanent child process is always restarted", ${kind}`, { children: 'a', ends: 'a', kind }, again],
      [
        `"a transient child process is restarted only if it terminates abnormally", ${kind}`,
        { children: 't:a', ends: 'a', kind },
        kinds.includes(kind) ? again : 'stay-down',
      ],
      [`"a temporary child process is never restarted", ${kind}`, { children: 'x:a', ends: 'a', kind }, 'stay-down'],
    ])
  }
})

void describe('one_for_one: "if a child process terminates, only that process is restarted"', () => {
  table([
    ['the first', { children: 'a b c', ends: 'a' }, 'stop nobody, start a'],
    ['one in the middle', { children: 'a b c', ends: 'b' }, 'stop nobody, start b'],
    ['the only one', { children: 'a', ends: 'a' }, 'stop nobody, start a'],
    ['whatever its siblings are', { children: 'x:a t:b (c) d!', ends: 'd' }, 'stop nobody, start d'],
  ])
})

const all = 'one-for-all'
void describe('one_for_all: "all remaining child processes are terminated. Subsequently, all child processes, including the terminated one, are restarted"', () => {
  table([
    ['the first', { strategy: all, children: 'a b c', ends: 'a' }, 'stop c b, start a b c'],
    ['one in the middle', { strategy: all, children: 'a b c', ends: 'b' }, 'stop c a, start a b c'],
    ['the last', { strategy: all, children: 'a b c', ends: 'c' }, 'stop b a, start a b c'],
    ['the only one', { strategy: all, children: 'a', ends: 'a' }, 'stop nobody, start a'],
    [
      'temporary: "not even when a sibling’s death causes the temporary process to be terminated"',
      { strategy: all, children: 'a x:b c', ends: 'a' },
      'stop c b, start a c',
    ],
    [
      'who is down cannot be stopped, but is started',
      { strategy: all, children: 'a (b) c', ends: 'a' },
      'stop c, start a b c',
    ],
    [
      'a transient sibling that had ended normally comes back, too',
      { strategy: all, children: 'a (t:b) c', ends: 'c' },
      'stop a, start a b c',
    ],
    [
      'a normal end of a transient child moves nobody',
      { strategy: all, children: 'a t:b c', ends: 'b', kind: 'normal' },
      'stay-down',
    ],
    ['the end of a temporary child moves nobody', { strategy: all, children: 'a x:b c', ends: 'b' }, 'stay-down'],
  ])
})

const rest = 'rest-for-one'
void describe('rest_for_one: "the rest of the child processes (that is, the child processes after the terminated process in start order) are terminated. Then the terminated child process and the rest of the child processes are restarted"', () => {
  table([
    ['the first', { strategy: rest, children: 'a b c d', ends: 'a' }, 'stop d c b, start a b c d'],
    ['one in the middle', { strategy: rest, children: 'a b c d', ends: 'b' }, 'stop d c, start b c d'],
    ['the last', { strategy: rest, children: 'a b c d', ends: 'd' }, 'stop nobody, start d'],
    [
      'who was started before is not touched, up or down',
      { strategy: rest, children: '(a) b (c) d', ends: 'b' },
      'stop d, start b c d',
    ],
    [
      'a temporary child of the rest goes and stays away',
      { strategy: rest, children: 'a b x:c d', ends: 'b' },
      'stop d c, start b d',
    ],
    ['the end of a temporary child moves nobody', { strategy: rest, children: 'x:a b c', ends: 'a' }, 'stay-down'],
  ])
})

const any = 'any-significant'
const every = 'all-significant'
void describe('auto_shutdown: "a supervisor can be configured to automatically shut itself down when significant children terminate"', () => {
  table([
    ['never: "automatic shutdown is disabled"', { children: 't:a b', ends: 'a', kind: 'normal' }, 'stay-down'],
    [
      'any_significant: "when any significant child process terminates"',
      { autoShutdown: any, children: 't:a! t:b! c', ends: 'a', kind: 'normal' },
      'shut-down',
    ],
    [
      '… also a temporary one that crashes',
      { autoShutdown: any, children: 'x:a! c', ends: 'a', kind: 'failed' },
      'shut-down',
    ],
    [
      '… not one that is no significant child',
      { autoShutdown: any, children: 't:a! t:b', ends: 'b', kind: 'normal' },
      'stay-down',
    ],
    [
      '… "will not trigger when the child is restarted": a transient one that crashes',
      { autoShutdown: any, children: 't:a! c', ends: 'a', kind: 'failed' },
      'stop nobody, start a',
    ],
    [
      'all_significant: "when the last active significant child process terminates", not before',
      { autoShutdown: every, children: 't:a! t:b! c', ends: 'a', kind: 'normal' },
      'stay-down',
    ],
    ['… but then', { autoShutdown: every, children: '(t:a!) t:b! c', ends: 'b', kind: 'normal' }, 'shut-down'],
    ['… whoever else is up', { autoShutdown: every, children: 'x:a! b c x:d', ends: 'a', kind: 'failed' }, 'shut-down'],
    [
      'with one_for_all',
      { strategy: all, autoShutdown: any, children: 't:a! b', ends: 'a', kind: 'normal' },
      'shut-down',
    ],
    [
      'with rest_for_one',
      { strategy: rest, autoShutdown: every, children: 'b x:a!', ends: 'a', kind: 'crashed' },
      'shut-down',
    ],
  ])
})

void describe('ignore: "the child specification is kept", and nothing was ever up', () => {
  const before = { beforeReady: true } as const
  table([
    ['a transient child with nothing to do', { ...before, children: 't:a b', ends: 'a', kind: 'normal' }, 'stay-down'],
    ['a temporary one', { ...before, children: 'x:a b', ends: 'a', kind: 'normal' }, 'stay-down'],
    ['one that somebody stopped', { ...before, children: 't:a b', ends: 'a', kind: 'stopped' }, 'stay-down'],
    [
      'even a significant one ends nothing',
      { ...before, autoShutdown: any, children: 't:a! b', ends: 'a', kind: 'normal' },
      'stay-down',
    ],
    [
      'a permanent child has promised to be there',
      { ...before, children: 'a b', ends: 'a', kind: 'normal' },
      'stop nobody, start a',
    ],
    [
      'a failed restart is tried again',
      { ...before, children: 't:a b', ends: 'a', kind: 'failed' },
      'stop nobody, start a',
    ],
    [
      'also that of a transient supervisor, whose giving up would else be in order',
      { ...before, children: 't:a b', ends: 'a', kind: 'gave-up' },
      'stop nobody, start a',
    ],
    [
      'with its siblings, as after any other end',
      { ...before, strategy: all, children: 'a b (c)', ends: 'b', kind: 'failed' },
      'stop a, start a b c',
    ],
  ])
})

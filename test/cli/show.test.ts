import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { EventRecord, LogRecord, TreeNode, WorkerDetail, WorkerStatus } from '../../src/control/api/wire.ts'
import { eventLine } from '../../src/cli/show/lines/event-lines.ts'
import { LogLines, tamed } from '../../src/cli/show/lines/log-lines.ts'
import type { Screen } from '../../src/cli/show/screen.ts'
import { fleetPage, statusPage } from '../../src/cli/show/status-page.ts'
import { cut, pad, widthOf } from '../../src/cli/show/text.ts'
import { age } from '../../src/cli/show/times.ts'
import { mermaid, treeDrawing } from '../../src/cli/show/tree-drawing.ts'
import { colourOf } from '../../src/cli/show/lines/worker-colour.ts'
import { layoutFor, workerTable } from '../../src/cli/show/worker-table.ts'
import { painter } from '../../src/cli/terminal.ts'
import { cpuTime, least } from '../support/cpu-time.ts'

/** A screen of so many columns; what is written to it goes nowhere. */
function screen(width: number, isColoured = false): Screen {
  return { width, isTerminal: width !== Infinity, isColoured, paint: painter(isColoured), write: () => {} }
}

function worker(id: string, more: Partial<WorkerStatus> = {}): WorkerStatus {
  return {
    id,
    service: id,
    state: 'running',
    pid: 48213,
    incarnation: 2,
    uptime: 134_000,
    restarts: 1,
    cpu: 0.031,
    memory: 46 * 2 ** 20,
    memoryLimit: 256 * 2 ** 20,
    messages: { in: 100, out: 18.4 },
    ...more,
  }
}

const DEAD = { pid: undefined, uptime: undefined, cpu: undefined, memory: undefined, messages: undefined } as object
const exit = (text: string, isAbnormal = true): NonNullable<WorkerStatus['lastExit']> => ({
  at: 0,
  kind: 'failed',
  text,
  isAbnormal,
  incarnation: 1,
  uptime: 5,
})

const some = [
  worker('web', { lastExit: exit('exited with code 1 after 12s') }),
  worker('room-43', { ...DEAD, state: 'backoff', lastExit: exit('was killed by SIGKILL after 1.5m') }),
  worker('git', { group: 'mcp', state: 'idle', ...DEAD, restarts: 0 }),
]

const record = (name: string, msg: string, more: Partial<LogRecord> = {}): LogRecord => ({
  seq: 1,
  time: new Date(2026, 10, 26, 12, 3, 4, 567).getTime(),
  worker: name,
  incarnation: 1,
  stream: 'out',
  level: 30,
  msg,
  ...more,
})

const event = (type: string, more: object = {}): EventRecord => ({ seq: 1, at: 0, worker: 'web', type, ...more })

describe('the table of workers', () => {
  it('shows state, process, restarts, CPU, memory against its limit, and the last end', () => {
    assert.deepEqual(workerTable(some, 'full', screen(120)), [
      'NAME     STATE        PID      UP  RESTARTS   CPU        MEMORY  MSG/S  LAST EXIT',
      'web      ● running  48213  2m 14s         1  3.1%  46MiB/256MiB    118  exit 1',
      'room-43  ↻ backoff      –       –         1     –             –      –  SIGKILL',
      'mcp/',
      '  git    ○ idle         –       –         0     –             –      –  –',
    ])
  })

  for (const [width, layout, columns] of [
    [40, 'narrow', 'NAME STATE UP RESTARTS'],
    [80, 'medium', 'NAME STATE PID UP RESTARTS CPU MEMORY LAST EXIT'],
    [120, 'full', 'NAME STATE PID UP RESTARTS CPU MEMORY MSG/S LAST EXIT'],
    [Infinity, 'full', 'NAME STATE PID UP RESTARTS CPU MEMORY MSG/S LAST EXIT'],
  ] as const) {
    it(`fits ${width} columns, whatever is in it`, () => {
      const long = worker('a-worker-whose-name-is-much-too-long-for-a-narrow-screen', {
        lastExit: exit('crashed: '.repeat(30)),
      })
      const lines = workerTable([...some, long], layoutFor(width), screen(width))
      assert.equal(layoutFor(width), layout)
      assert.equal(lines[0]?.trim().replaceAll(/ +/g, ' '), columns)
      for (const line of lines) assert.ok(widthOf(line) <= Math.min(width, 200), line)
      for (const line of lines) assert.equal(line, line.trimEnd())
    })
  }

  it('says each state by a word and a symbol, never by colour alone', () => {
    const states = [
      'idle',
      'scheduled',
      'starting',
      'running',
      'degraded',
      'stopping',
      'backoff',
      'exited',
      'failed',
    ] as const
    const rows = workerTable(
      states.map((state) => worker(state, { state })),
      'narrow',
      screen(80),
    ).slice(1)
    const symbols = rows.map((row, i) => new RegExp(`(\\S) ${states[i]} `).exec(row)?.[1])
    assert.equal(new Set(symbols).size, states.length)
    assert.ok(!symbols.includes(undefined))
  })

  it('shows a state it does not know', () => {
    const [, row] = workerTable([worker('a', { state: 'dreaming' as never })], 'narrow', screen(80))
    assert.match(row ?? '', /· dreaming/)
  })

  it('moves no cursor, whatever names and ends hold', () => {
    const evil = worker('a\x1b[2Jb', { lastExit: exit('crashed: \x1b]0;title\x07') })
    assert.ok(!workerTable([evil], 'wide', screen(80)).join('').includes('\x1b'))
  })

  it('paints only where there is colour', () => {
    assert.ok(workerTable(some, 'full', screen(120, true)).join('').includes('\x1b[32m'))
    assert.ok(!workerTable(some, 'full', screen(120, false)).join('').includes('\x1b'))
  })

  it('makes a table of a thousand workers in 100 ms of CPU time', () => {
    const many = Array.from({ length: 1000 }, (_, i) => worker(`worker-${i}`, { lastExit: exit('exited with code 1') }))
    const took = least(3, () => {
      const spent = cpuTime()
      assert.equal(workerTable(many, 'full', screen(100)).length, 1001)
      return spent()
    })
    assert.ok(took < 100, `${took} ms`)
  })
})

describe('lines of logs', () => {
  it('stand behind names of the same width, ours marked as ours', () => {
    const lines = new LogLines({ prefix: true, timestamps: false }, screen(80), ['web', 'worker-1'])
    assert.equal(lines.line(record('web', 'hello')), 'web      | hello\n')
    assert.equal(
      lines.line(record('web', 'exited with code 1', { stream: 'pagent' })),
      'web      · exited with code 1\n',
    )
    assert.equal(lines.line(record('late-comer', 'x')), 'late-comer | x\n')
    assert.equal(lines.line(record('web', 'y')), 'web        | y\n')
  })

  it('have times and no names where that is wanted', () => {
    const lines = new LogLines({ prefix: false, timestamps: true }, screen(80))
    assert.equal(lines.line(record('web', 'hello')), '12:03:04.567 hello\n')
  })

  it('are as they were written where there is no terminal', () => {
    const lines = new LogLines({ prefix: false, timestamps: false }, screen(Infinity))
    assert.equal(lines.line(record('web', '\x1b[31mred\x1b[2K\t\x07')), '\x1b[31mred\x1b[2K\t\x07\n')
  })

  for (const [what, given, kept, bare] of [
    ['colours', '\x1b[1;31mred\x1b[0m', '\x1b[1;31mred\x1b[0m\x1b[0m', 'red'],
    ['a cleared screen', 'a\x1b[2Jb\x1b[Hc', 'abc', 'abc'],
    ['a window title', 'a\x1b]0;evil\x07b\x1b]2;evil\x1b\\c', 'abc', 'abc'],
    ['a carriage return and a bell', '50%\r100%\x07', '50%100%', '50%100%'],
    ['an escape sequence that does not end', 'a\x1b[31', 'a31', 'a31'],
    ['8-bit controls', 'a\x9b2Jb', 'a2Jb', 'a2Jb'],
    ['tabs and other scripts', '\tgrüße 你好', '\tgrüße 你好', '\tgrüße 你好'],
  ] as const) {
    it(`of a terminal are tamed: ${what}`, () => {
      assert.equal(tamed(given, true), kept)
      assert.equal(tamed(given, false), bare)
    })
  }

  it('give a worker the same colour every day, and do not give all of them one', () => {
    assert.equal(colourOf('web'), colourOf('web'))
    const colours = new Set(Array.from({ length: 50 }, (_, i) => colourOf(`worker-${i}`)))
    assert.ok(colours.size >= 5)
  })
})

describe('lines of events', () => {
  for (const [given, expected] of [
    [event('spawned', { pid: 7, file: 'node' }), /web +started node \(pid 7\)/],
    [event('exited', { exit: { kind: 'failed', exitCode: 3, uptime: 1200 } }), /web +exited with code 3 after 1.2s/],
    [event('restart-scheduled', { attempt: 2, after: 800 }), /restart 2 in 800ms/],
    [event('something-new', { why: 'because' }), /something-new \{"why":"because"\}/],
    [event('exited', { exit: {} }), /web/],
  ] as const) {
    it(`say it in words: ${given.type}`, () => assert.match(eventLine(given, screen(100)), expected))
  }
})

describe('the page of a worker', () => {
  it('says what systemctl would say', () => {
    const detail: WorkerDetail = {
      ...worker('web', { restarts: 2 }),
      schemaVersion: 1,
      command: ['node', 'server.js', '--name', "it's"],
      cwd: '/srv',
      env: {},
      limits: {
        memory: { max: 2 ** 28, enforcedBy: 'cgroup2', exact: true },
        idle: { max: 5000, enforcedBy: 'master', exact: false },
      },
      dependsOn: ['db'],
      exits: [{ ...exit('exited with code 1 after 12s'), at: 60_000 }],
      log: [{ seq: 1, time: 0, worker: 'web', incarnation: 2, stream: 'out', level: 30, msg: 'listening' }],
      crashes: ['/state/crash.json'],
    }
    const text = statusPage(detail, 134_000, screen(80))
    assert.match(text, /^● web\n +state: running since \S+ \S+, 2m 14s ago\n/)
    assert.match(text, /command: node server.js --name 'it'\\''s'/)
    assert.match(text, /limits: memory 256MiB \(cgroup2\), idle 5s \(master, watched\)/)
    assert.match(text, /last exit: exited with code 1 after 12s, 1m 14s ago \(life 1\)/)
    assert.match(text, /after: db\n/)
    assert.match(text, /report: \/state\/crash.json\n/)
    assert.match(text, /\d\d:\d\d:\d\d\.\d{3} listening\n$/)
  })

  it('counts the states of a fleet, the healthy first', () => {
    const text = fleetPage(
      {
        schemaVersion: 1,
        name: 'game',
        file: '/srv/pagent.yaml',
        pid: 1,
        version: '1.0.0',
        node: '24.0.0',
        launcher: 'fork-server',
        startedAt: 0,
        isReadOnly: true,
        isReady: false,
        isStopping: false,
        states: { failed: 1, running: 5, idle: 2 },
        stateFolder: '/state/game',
      },
      1000,
      screen(80),
    )
    assert.match(text, /● game\n +state: not all ready since/)
    assert.match(text, /workers: 5 running, 1 failed, 2 idle/)
    assert.match(text, /read-only/)
  })
})

describe('the tree', () => {
  const root: TreeNode = {
    kind: 'fleet',
    id: 'game',
    state: 'running',
    pid: 1,
    children: [
      { kind: 'worker', id: 'db', state: 'running', pid: 2 },
      {
        kind: 'group',
        id: 'rooms',
        state: 'running',
        strategy: 'one-for-all',
        intensity: { restarts: 5, within: 60_000 },
        dependsOn: ['db'],
        children: [
          { kind: 'worker', id: 'room-1', state: 'backoff' },
          { kind: 'worker', id: 'room-2', state: 'running', pid: 4 },
        ],
      },
      { kind: 'pool', id: 'thumbs', state: 'running', children: [] },
    ],
  }

  it('is drawn', () => {
    assert.deepEqual(treeDrawing(root, screen(100)), [
      'game/  ● running  pid 1',
      '├─ db  ● running  pid 2',
      '├─ rooms/  ● running  one-for-all · 5 restarts in 1m 00s · after db',
      '│  ├─ room-1  ↻ backoff',
      '│  └─ room-2  ● running  pid 4',
      '└─ thumbs/  ● running  pool',
    ])
  })

  it('fits a narrow screen', () => {
    for (const line of treeDrawing(root, screen(40))) assert.ok(widthOf(line) <= 40, line)
  })

  it('is Mermaid, with who waits for whom', () => {
    const text = mermaid(root)
    assert.match(text, /^flowchart TD\n {2}n0\(\["game<br\/>running"\]\)\n/)
    assert.match(text, / {2}n0 --> n1\n/)
    assert.match(text, / {2}n1 -\.->\|before\| n2\n/)
  })
})

describe('texts', () => {
  for (const [ms, text] of [
    [0, '0ms'],
    [999, '999ms'],
    [14_500, '14s'],
    [59_999, '59s'],
    [134_000, '2m 14s'],
    [3_720_000, '1h 02m'],
    [187_200_000, '2d 04h'],
  ] as const) {
    it(`${ms} ms is ${text}`, () => assert.equal(age(ms), text))
  }

  it('are as wide as terminals show them, and are cut by columns', () => {
    assert.deepEqual(['abc', 'é', '你好', '🚀', 'e\u0301'].map(widthOf), [3, 1, 4, 2, 1])
    assert.equal(cut('你好吗', 5), '你好…')
    assert.equal(cut('abc', 3), 'abc')
    assert.equal(pad('你', 4), '你  ')
    assert.equal(pad('7', 3, 'right'), '  7')
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { columnsOf, fitted, folded, levelled, spread } from '../../../src/cli/top/paint/fit.ts'
import { frameOf } from '../../../src/cli/top/paint/frame.ts'
import { cpuLine, memoryLine, sparkline } from '../../../src/cli/top/paint/sparkline.ts'
import { lineOf } from '../../../src/cli/top/steering/line-editor.ts'
import type { TopState } from '../../../src/cli/top/steering/view.ts'
import { Differences } from '../../../src/cli/top/terminal/differences.ts'
import { cpuTime, least } from '../../support/cpu-time.ts'
import { type Given, SOME, exit, linesOf, paintScene, pictureOf, record, worker } from './scenes.ts'

const frame = (given: Given = {}): readonly string[] => frameOf(paintScene(given)).lines
const last = (given: Given = {}): string => frame(given).at(-1) ?? ''
const LOGS: Partial<TopState> = {
  views: [{ kind: 'list' }, { kind: 'logs', worker: 'web', isPrevious: false }],
}

describe('the picture of a fleet', () => {
  it('is list and lines at 80x24', () => {
    assert.deepEqual(frame(), [
      'pagent top · game                     4 running · 1 backoff · 1 idle · up 2h 03m',
      'cpu  53.1%        ▃▆█  memory    171MiB        ▅▅▅  msg/s 355  restarts 6',
      '  NAME      STATE            PID       UP   RST     CPU     MEMORY  LAST EXIT',
      '▸ web       ● running      48213   2m 14s     1    3.1%      46MiB  exit 1',
      '  api       ● running          7   2m 14s     0   50.0%     120MiB  –',
      '  room-43   ↻ backoff          –        –     5       –          –  SIGKILL',
      '  report    ○ idle             –        –     0       –          –  –',
      '  mcp/  2 workers · 0.0% · 5MiB',
      '    git     ● running        900   1h 02m     0    0.0%       2MiB  –',
      '    files   ● running        901   1h 02m     0    0.0%       3MiB  –',
      '── logs ────────────────────────────────────────────────────────────────────────',
      'web     | listening on 3000',
      'room-43 · was killed by SIGKILL after 1.5m',
      'room-43 · is started again in 800ms (attempt 5)',
      'api     | GET /players 200 12ms',
      ...Array.from({ length: 8 }, () => ''),
      '? help  ⏎ focus  / filter  : command  q quit  d detail  p previous  r restart',
    ])
  })

  it('has bars, limits and messages where there is room, and says by what it is sorted', () => {
    const state = { sort: 'cpu', marked: new Set(['web']) } as const
    assert.deepEqual(frame({ columns: 140, rows: 15, state }), [
      'pagent top · game                                                                                 4 running · 1 backoff · 1 idle · up 2h 03m',
      'cpu  53.1%               ▃▆█  memory    171MiB               ▅▅▅  msg/s 355  restarts 6                                    by cpu · 1 marked',
      '  NAME      STATE            PID       UP   RST     CPU                       MEMORY             MSG/S  LAST EXIT',
      '▸ api       ● running          7   2m 14s     0   50.0%       ▃▆█             120MiB       ▅▅▅       0  –',
      ' ✓web       ● running      48213   2m 14s     1    3.1%       ▁▂▃        46MiB/48MiB       ███     118  exit 1',
      '  git       ● running        900   1h 02m     0    0.0%       ▁▁▁               2MiB       ▅▅▅     118  –',
      '  files     ● running        901   1h 02m     0    0.0%       ▁▁▁               3MiB       ▅▅▅     118  –',
      '  room-43   ↻ backoff          –        –     5       –                            –                 –  SIGKILL',
      '  report    ○ idle             –        –     0       –                            –                 –  –',
      '── logs ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────',
      'web     | listening on 3000',
      'room-43 · was killed by SIGKILL after 1.5m',
      'room-43 · is started again in 800ms (attempt 5)',
      'api     | GET /players 200 12ms',
      '? help  ⏎ focus  / filter  : command  q quit  d detail  p previous  r restart  s stop  i input  space mark  tab logs',
    ])
  })

  it('fits 60x15, and lines are those of who is listed', () => {
    assert.deepEqual(frame({ columns: 60, rows: 15, state: { filter: 'ROOM' } }), [
      'pagent top · game                              ● 4  ↻ 1  ○ 1',
      'cpu  53.1%     ▃▆█  memory    171MiB     ▅▅▅  msg/s 355',
      '  NAME      STATE             UP   RST     CPU     MEMORY',
      '▸ room-43   ↻ backoff          –     5       –          –',
      '',
      '',
      '── logs ────────────────────────────────────────────────────',
      'room-43 · was killed by SIGKILL after 1.5m',
      'room-43 · is started again in 800ms (attempt 5)',
      ...Array.from({ length: 5 }, () => ''),
      '? help  ⏎ focus  / filter  : command  q quit  d detail',
    ])
  })

  it('fits 40x10', () => {
    assert.deepEqual(frame({ columns: 40, rows: 10 }), [
      'pagent top · game          ● 4  ↻ 1  ○ 1',
      '  NAME      STATE         CPU     MEMORY',
      '▸ web       ● running    3.1%      46MiB',
      '  api       ● running   50.0%     120MiB',
      '  room-43   ↻ backoff       –          –',
      '  report    ○ idle          –          –',
      '── logs ────────────────────────────────',
      'room-43 · is started again in 800ms (at…',
      'api     | GET /players 200 12ms',
      '? help  ⏎ focus  / filter  : command',
    ])
  })

  it('asks for more where nothing fits', () => {
    assert.deepEqual(frame({ columns: 39, rows: 3 }), ['40x10 at least, please', '', ''])
  })

  it('is one worker and its lines', () => {
    const lines = linesOf([record('web', 'listening on 3000'), record('web', 'GET /'), record('web', 'bye')])
    assert.deepEqual(frame({ rows: 10, lines, state: { ...LOGS, lineFilter: '!get' } }), [
      'pagent top · game                     4 running · 1 backoff · 1 idle · up 2h 03m',
      'web  ● running  pid 48213 · up 2m 14s · life 2 · 1 restart  before: exited with…',
      'cpu   3.1%          ▁▂▃  memory 46MiB/48MiB          ███  msg/s 118',
      '── web ──────────────────────────────────────────────────────────────── /!get ──',
      'listening on 3000',
      'bye',
      '',
      '',
      '',
      '? help  esc back  / filter  p previous  i input  r restart  d detail  w wrap',
    ])
  })

  it('scrolls text, and keeps the selected row on the screen', () => {
    const text = Array.from({ length: 30 }, (_, i) => `line ${i}`)
    const state: Partial<TopState> = { views: [{ kind: 'list' }, { kind: 'help' }], scroll: 99 }
    assert.deepEqual(frame({ rows: 10, text, state }).slice(1, -1), ['', ...text.slice(-7), ''].slice(0, 8))
    const many = pictureOf(Array.from({ length: 1000 }, (_, i) => worker(`worker-${i}`)))
    const shown = frame({ picture: many, state: { selected: 'worker-500' } })
    assert.ok(shown.some((line) => line.startsWith('▸ worker-500 ')))
  })

  it('says when the fleet is away, and keeps what was seen', () => {
    const picture = pictureOf()
    picture.lose('the fleet has ended', 4000)
    const [head = '', , , row = ''] = frame({ picture, now: 16_000 })
    assert.match(head, /^pagent top · game +✗ not running for 12s; waiting for it$/)
    assert.match(row, /^▸ web +● running/)
    assert.match(frame({ now: 9100 })[0] ?? '', /no news for 6s$/)
  })

  it('says what is empty, and why', () => {
    const none = linesOf([])
    assert.ok(frame({ lines: none }).includes('nothing was written yet'))
    assert.ok(frame({ state: { filter: 'zzz' } }).includes('  no worker matches "zzz"; Esc shows all'))
    const before: Partial<TopState> = { views: [{ kind: 'logs', worker: 'web', isPrevious: true }] }
    const shown = frame({ lines: none, state: before })
    assert.ok(shown.includes('nothing is known of a life before this one'))
    assert.match(shown[3] ?? '', /^── web, the life before ─+$/)
    assert.ok(frame({ picture: pictureOf([]) }).includes('  the fleet has no workers'))
  })

  it('shows how a pool is', () => {
    const picture = pictureOf([worker('calc-1', { pool: 'calc' })])
    const none = { count: 0, p50: 0, p99: 0, max: 0, sum: 0, buckets: [] }
    const facts = { workers: 1, ready: 1, busy: 1, queued: 4, calls: 99, deaths: 0, wait: none, run: none }
    picture.count([{ id: 'calc', ...facts }])
    assert.ok(frame({ picture }).includes('  calc/  1 worker · 3.1% · 46MiB · 1 busy · 4 queued · 99 calls'))
  })
})

const prompted = (text: string): ReturnType<typeof frameOf> =>
  frameOf(paintScene({ columns: 40, state: { prompt: { kind: 'input', line: lineOf(text), about: 'web' } } }))

describe('the line at the bottom', () => {
  const question = { text: 'Kill web?', action: { action: 'stop', targets: ['web'] } } as const

  it('asks', () => {
    assert.equal(last({ state: { question } }), 'Kill web? y yes, any other key no')
    const long = { ...question, text: `Kill ${'x'.repeat(200)}?` }
    assert.match(last({ state: { question: long } }), /^Kill x+… y yes, any other key no$/)
  })

  it('is written in, with a cursor that stays on it', () => {
    assert.equal(prompted('hello').lines.at(-1), 'web> hello')
    assert.deepEqual(prompted('hello').cursor, { row: 23, column: 10 })
    assert.deepEqual(prompted('你好').cursor, { row: 23, column: 9 })
    const long = prompted(`${'x'.repeat(100)}end`)
    assert.match(long.lines.at(-1) ?? '', /^web> x+end$/)
    assert.deepEqual(long.cursor, { row: 23, column: 39 })
  })

  it('says what went wrong', () => {
    assert.equal(last({ state: { note: { text: 'there is no\nworker', isBad: true } } }), 'there is no worker')
  })
})

describe('whatever names, ends and lines hold', () => {
  const EVIL = 'a\x1b[2Jb\x1b]0;title\x07\r\n\t\x9b31m\u202egnp.exe你好🚀'
  const evil = pictureOf([
    ...SOME,
    worker(EVIL, { lastExit: exit(EVIL), group: EVIL, state: 'dreaming' as never, memory: 1e15, restarts: 1e9 }),
    worker('x'.repeat(300)),
  ])
  const lines = linesOf([record(EVIL, EVIL.repeat(50)), record('web', '\x1b[31mred\x1b[0m \x1b[?1049l')])

  for (const [columns, rows] of [
    [40, 10],
    [60, 15],
    [80, 24],
    [120, 40],
    [200, 50],
  ] as const) {
    for (const isColoured of [true, false]) {
      it(`no line is wider than ${columns} or moves the cursor${isColoured ? ', in colour' : ''}`, () => {
        for (const state of [
          {},
          { isWrapped: true, hasTimes: true },
          LOGS,
          { filter: EVIL },
          { sort: 'name' as const },
        ]) {
          const shown = frame({ columns, rows, picture: evil, lines, state, isColoured })
          assert.equal(shown.length, rows)
          for (const line of shown) {
            assert.ok(columnsOf(line) <= columns, JSON.stringify(line))
            const bare = line.replaceAll(/\x1b\[[\d;:]*m/g, '')
            assert.doesNotMatch(bare, /[\0-\x1f\x7f-\x9f\u202a-\u202e]/, JSON.stringify(line))
            assert.ok(isColoured || bare === line, 'there is no colour')
          }
        }
      })
    }
  }
})

describe('lines that fit', () => {
  for (const [given, width, expected] of [
    ['abc', 3, 'abc'],
    ['abcd', 3, 'ab…'],
    ['你好吗', 5, '你好…'],
    ['\x1b[31mabcd\x1b[0m', 3, '\x1b[31mab\x1b[0m…'],
    ['\x1b[31mabc\x1b[0m', 3, '\x1b[31mabc\x1b[0m'],
    ['e\u0301e\u0301', 2, 'e\u0301e\u0301'],
    ['', 3, ''],
    ['abc', 0, ''],
  ] as const) {
    it(`${JSON.stringify(given)} in ${width}`, () => assert.equal(fitted(given, width), expected))
  }

  it('are folded, and colours go on', () => {
    assert.deepEqual(folded('abcdefg', 3, 9), ['abc', 'def', 'g'])
    assert.deepEqual(folded('abcdefg', 3, 2), ['abc', 'def'])
    assert.deepEqual(folded('a\x1b[1mbc你d', 3, 9), ['a\x1b[1mbc\x1b[0m', '\x1b[1m你d\x1b[0m'])
    assert.deepEqual(folded('你好', 1, 9).length <= 9, true)
  })

  it('are levelled', () => {
    assert.equal(levelled('a\tb\nc\u202ed\u2028'), 'a    b ⏎ cd')
  })

  it('spread over the line, and what is at the right gives way', () => {
    assert.equal(spread('left', 'right', 12), 'left   right')
    assert.equal(spread('left', 'a long right end', 20), 'left  a long right …')
    assert.equal(spread('left', 'a long right end', 10), 'left')
  })
})

describe('sparklines', () => {
  it('are as wide as they are told, the newest at the right', () => {
    assert.equal(sparkline([], 4, 1), '    ')
    assert.equal(sparkline([0, 0.5, 1], 4, 1), ' ▁▅█')
    assert.equal(sparkline([9, 0, NaN, 2], 3, 1), '▁ █')
  })

  it('make no alarm of noise, nor of what stands still', () => {
    assert.equal(cpuLine([0.001, 0.002], 2), '▁▁')
    assert.equal(cpuLine([0.5, 1], 2), '▅█')
    assert.equal(memoryLine([100, 100], 2), '▅▅')
    assert.equal(memoryLine([100, 180], 2, 200), '▅█')
  })
})

const show = (lines: readonly string[]) => ({ lines, cursor: undefined })

describe('from frame to frame', () => {
  it('only lines that differ are written, each where it belongs', () => {
    const differences = new Differences()
    const first = differences.to(show(['a', 'b', 'c']))
    assert.ok(first.includes('\x1b[2J') && first.includes('a') && first.includes('c'))
    const next = differences.to(show(['a', 'B', 'c']))
    assert.ok(next.includes('\x1b[2;1H\x1b[0m\x1b[2KB'))
    assert.ok(!next.includes('\x1b[2J') && !next.includes('a') && !next.includes('c'))
    assert.equal(differences.to(show(['a', 'B', 'c'])), '')
  })

  it('all are written after another size, or when nothing can be relied on', () => {
    const differences = new Differences()
    differences.to(show(['a', 'b']))
    assert.ok(differences.to(show(['a', 'b', 'c'])).includes('\x1b[2J'))
    differences.forget()
    assert.ok(differences.to(show(['a', 'b', 'c'])).includes('\x1b[1;1H'))
  })

  it('the cursor is shown where somebody writes, and else not', () => {
    const differences = new Differences()
    const cursor = { row: 1, column: 4 }
    assert.ok(differences.to({ lines: ['a', ':web'], cursor }).includes('\x1b[2;5H\x1b[?25h'))
    assert.ok(differences.to({ lines: ['a', ':web'], cursor: { row: 1, column: 3 } }).includes('\x1b[2;4H\x1b[?25h'))
    assert.ok(differences.to(show(['a', ':web'])).endsWith('\x1b[?25l\x1b[?2026l'))
  })
})

describe('a thousand workers', () => {
  it('are drawn in little time: what is not on the screen costs next to nothing', () => {
    const picture = pictureOf(Array.from({ length: 1000 }, (_, i) => worker(`worker-${i}`)))
    const scene = paintScene({ picture })
    const each = least(20, () => {
      const spent = cpuTime()
      frameOf(scene)
      return spent()
    })
    assert.ok(each < 20, `${each} ms`)
  })
})

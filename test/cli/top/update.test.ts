import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { intentOf } from '../../../src/cli/top/steering/intents.ts'
import { lastNumbers, settled } from '../../../src/cli/top/steering/moves.ts'
import { type Effect, update } from '../../../src/cli/top/steering/update.ts'
import { FIRST_STATE, type TopState } from '../../../src/cli/top/steering/view.ts'
import { type Given, keyScene, linesOf, pictureOf, record, worker } from './scenes.ts'

interface Played {
  readonly state: TopState
  readonly effects: readonly Effect[]
}

/** What keys lead to, one after the other. Words are written; `<enter>` is a key by its name. */
function play(keys: string, given: Given = {}): Played {
  let state: TopState = { ...FIRST_STATE, selected: 'web', ...given.state }
  const effects: Effect[] = []
  for (const [whole, named] of keys.matchAll(/<([\w-]+)>|[^]/g)) {
    const scene = keyScene({ ...given, state })
    const intent = intentOf({ name: named ?? whole }, state)
    if (intent === undefined) continue
    const updated = update(settled(state, scene), intent, scene)
    state = updated.state
    effects.push(...updated.effects)
  }
  return { state, effects }
}

const stop = (...targets: string[]): Effect => ({ do: 'act', action: { action: 'stop', targets } })

describe('nothing is stopped by one key alone', () => {
  for (const [keys, question] of [
    ['r', 'Restart web?'],
    ['s', 'Stop web?'],
    ['<ctrl-k>', 'Send SIGKILL to web?'],
    ['<enter>r', 'Restart web?'],
    ['d<ctrl-k>', 'Send SIGKILL to web?'],
    [':stop<enter>', 'Stop web?'],
    [':stop mcp:*<enter>', 'Stop 2 workers (git, files)?'],
    [':restart all<enter>', 'Restart 6 workers (web, api, room-43, …)?'],
    [':signal hup web api<enter>', 'Send SIGHUP to 2 workers (web, api)?'],
    [' r', undefined],
    ['j j r', undefined],
  ] as const) {
    it(keys, () => {
      const { state, effects } = play(keys)
      assert.equal(state.question?.text, question)
      assert.equal(effects.length, question === undefined ? 1 : 0)
    })
  }

  it('yes does it, everything else does not', () => {
    assert.deepEqual(play('sy').effects, [stop('web')])
    for (const key of ['n', '<enter>', '<escape>', 's', 'q']) {
      const { state, effects } = play(`s${key}`)
      assert.deepEqual(effects, [])
      assert.equal(state.question, undefined)
      assert.equal(state.note?.text, 'not done')
    }
  })

  it('what is marked is meant, unless it cannot be seen', () => {
    const { effects, state } = play('  s')
    assert.deepEqual(effects, [stop('web', 'api')])
    assert.equal(state.marked.size, 0, 'what was done is not done again by the next key')
    const hidden = play(' /room<enter>s')
    assert.deepEqual(hidden.effects, [])
    assert.equal(hidden.state.question?.text, 'Stop web?')
  })

  it('what is written with its name is meant', () => {
    assert.deepEqual(play(':stop web<enter>').effects, [stop('web')])
    assert.deepEqual(play(':kill api<enter>').effects, [
      { do: 'act', action: { action: 'signal', signal: 'SIGKILL', targets: ['api'] } },
    ])
  })

  it('who does not run is started, at once', () => {
    assert.deepEqual(play('s', { state: { selected: 'report' } }).effects, [
      { do: 'act', action: { action: 'start', targets: ['report'] } },
    ])
  })

  for (const keys of ['ry', ' s', ':stop web<enter>', ':start all<enter>', 'ihello<enter>', ':send web hello<enter>']) {
    it(`read-only refuses: ${keys}`, () => {
      const { state, effects } = play(keys, { isReadOnly: true })
      assert.deepEqual(effects, [])
      assert.match(play(keys.replace(/y$/, ''), { isReadOnly: true }).state.note?.text ?? '', /read-only|/)
      assert.equal(state.question, undefined)
    })
  }

  it('who is nobody is told, with who was meant', () => {
    assert.match(play(':stop wbe<enter>').state.note?.text ?? '', /no worker "wbe" in fleet "game". Did you mean web\?/)
    assert.match(play(':logs wbe<enter>').state.note?.text ?? '', /Did you mean web\?/)
    assert.match(play(':logs mcp:*<enter>').state.note?.text ?? '', /is not one worker/)
    assert.equal(play('r', { picture: pictureOf([]) }).state.note?.text, 'no worker is selected')
  })
})

const kinds = (keys: string): string =>
  play(keys)
    .state.views.map(({ kind }) => kind)
    .join(' ')

const isPrevious = (keys: string): unknown => {
  const view = play(keys).state.views.at(-1)
  return view?.kind === 'logs' && view.isPrevious
}

describe('views', () => {
  for (const [keys, expected] of [
    ['l', 'list logs'],
    ['<enter>', 'list logs'],
    ['d', 'list detail'],
    ['ld', 'list logs detail'],
    ['ldl', 'list detail logs'],
    ['l?', 'list logs help'],
    ['l??', 'list logs'],
    ['ld<escape>', 'list logs'],
    ['ldq', 'list logs'],
    ['l<escape><escape><escape>', 'list'],
    [':status api<enter>', 'list detail'],
  ] as const) {
    it(`${keys} shows ${expected}`, () => assert.equal(kinds(keys), expected))
  }

  it('p is the life before, and again this one', () => {
    assert.deepEqual(['p', 'pp', 'lp', 'lpl', 'ppp'].map(isPrevious), [true, false, true, false, true])
  })

  it('Esc takes back one thing at a time, and never leaves', () => {
    const { state } = play(' /web<enter><tab>')
    const after = (times: number): TopState => play(' /web<enter><tab>' + '<escape>'.repeat(times)).state
    assert.ok(state.isReading && state.filter === 'web' && state.marked.size === 1)
    assert.ok(!after(1).isReading && after(1).filter === 'web')
    assert.ok(after(2).filter === '' && after(2).marked.size === 1)
    assert.equal(after(3).marked.size, 0)
    assert.equal(after(4).note?.text, 'q leaves; the fleet goes on')
    assert.deepEqual(play('<escape>'.repeat(9)).effects, [])
  })

  it('q leaves by 0, Ctrl-C by 130 from everywhere', () => {
    assert.deepEqual(play('q').effects, [{ do: 'quit', exitCode: 0 }])
    assert.deepEqual(play(':quit<enter>').effects, [{ do: 'quit', exitCode: 0 }])
    for (const keys of ['<ctrl-c>', 'l<ctrl-c>', ':sto<ctrl-c>', 'r<ctrl-c>'])
      assert.deepEqual(play(keys).effects, [{ do: 'quit', exitCode: 130 }])
  })
})

describe('what is written', () => {
  it('filters as it is written; Esc brings back what was there', () => {
    assert.equal(play('/ro').state.filter, 'ro')
    assert.equal(play('/ro').state.prompt?.line.text, 'ro')
    assert.equal(play('/room<enter>/x<escape>').state.filter, 'room')
    assert.equal(play('/r<backspace><backspace>').state.prompt, undefined)
    assert.equal(play('l/get').state.lineFilter, 'get')
    assert.equal(play('l/get').state.filter, '')
  })

  it('goes to the worker, line after line', () => {
    const { state, effects } = play('ihello<enter><enter>you<enter>')
    assert.deepEqual(effects, [
      { do: 'send', worker: 'web', line: 'hello' },
      { do: 'send', worker: 'web', line: '' },
      { do: 'send', worker: 'web', line: 'you' },
    ])
    assert.equal(state.prompt?.about, 'web')
    assert.equal(play('ihi<enter><escape>').state.prompt, undefined)
  })

  it('is completed by Tab', () => assert.equal(play(':rest<tab>ap<tab>').state.prompt?.line.text, 'restart api '))

  it('says what is wrong with it', () => {
    assert.match(play(':stpo<enter>').state.note?.text ?? '', /Did you mean stop\?/)
    assert.equal(play(':<enter>').state.note, undefined)
    assert.equal(play(':stpo<enter>j').state.note, undefined, 'until the next key')
  })
})

describe('moving', () => {
  const many = pictureOf(Array.from({ length: 100 }, (_, i) => worker(`w-${i}`)))
  const from = (keys: string, selected = 'w-0'): TopState => play(keys, { picture: many, state: { selected } }).state

  for (const [keys, expected] of [
    ['j', 'w-1'],
    ['jjk', 'w-1'],
    ['k', 'w-0'],
    ['G', 'w-99'],
    ['Gk', 'w-98'],
    ['Gg', 'w-0'],
    ['<page-down>', 'w-11'],
    ['<down><up><up>', 'w-0'],
  ] as const) {
    it(`${keys} selects ${expected}`, () => assert.equal(from(keys).selected, expected))
  }

  it('stays with the worker when the order changes, and near it when it goes', () => {
    assert.equal(from('jjN').selected, 'w-2')
    const scene = keyScene({ picture: many, state: { selected: 'gone', offset: 40 } })
    const state = settled({ ...FIRST_STATE, selected: 'gone', offset: 40 }, scene)
    assert.equal(state.selected, 'w-40')
  })

  it('passes over names of groups, and shows them with their first', () => {
    const given = { state: { selected: 'report' } }
    assert.equal(play('j', given).state.selected, 'git')
    const scene = keyScene({ rows: 10 })
    const state = settled({ ...FIRST_STATE, selected: 'git', offset: 99 }, scene)
    assert.equal(scene.rows[state.offset]?.kind, 'worker')
    assert.ok(state.offset <= 4)
  })

  it('in lines: back and forth, and at the end it follows', () => {
    const lines = linesOf(Array.from({ length: 108 }, (_, i) => record('web', `line ${i}`)))
    const anchor = (keys: string): number | undefined => play(`l${keys}`, { lines }).state.anchor
    assert.equal(anchor(''), undefined)
    assert.equal(anchor('k'), 106)
    assert.equal(anchor('kk'), 105)
    assert.equal(anchor('kj'), undefined)
    assert.equal(anchor('kkG'), undefined)
    assert.equal(anchor('g'), 18, 'a full page of the oldest')
    assert.equal(anchor('gk'), 18)
    assert.equal(anchor('/7<enter>k'), 97, 'only those that match')
    assert.equal(play('<tab>k', { lines }).state.anchor, 106, 'below the list, after Tab')
  })

  it('shows the same lines while others come and go', () => {
    const lines = linesOf(Array.from({ length: 50 }, (_, i) => record('web', `line ${i}`)))
    const shown = lastNumbers(lines, () => true, 20, 3)
    for (let i = 50; i < 3000; i++) lines.push(record('web', `line ${i}`))
    assert.deepEqual(
      lastNumbers(lines, () => true, 20, 3),
      shown,
    )
  })
})

describe('sorting and the rest', () => {
  it('the same key again goes back to the order of the fleet', () => {
    assert.equal(play('C').state.sort, 'cpu')
    assert.equal(play('CC').state.sort, 'fleet')
    assert.equal(play('CMO').state.sort, 'fleet')
    assert.equal(play(':sort memory<enter>').state.sort, 'memory')
  })

  it('suspends and repaints outside', () => {
    assert.deepEqual(play('<ctrl-z><ctrl-l>').effects, [{ do: 'suspend' }, { do: 'repaint' }])
  })

  it('toggles', () => {
    assert.ok(play('w').state.isWrapped)
    assert.ok(play('t').state.hasTimes)
    assert.ok(!play('ww').state.isWrapped)
  })
})

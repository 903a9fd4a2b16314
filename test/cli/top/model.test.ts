import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { History, KEPT } from '../../../src/cli/top/model/history.ts'
import { Lines } from '../../../src/cli/top/model/lines.ts'
import { FleetPicture } from '../../../src/cli/top/model/picture.ts'
import { type SortKey, matches, rowsOf } from '../../../src/cli/top/model/rows.ts'
import { FLEET, SOME, event, exit, pictureOf, record, worker } from './scenes.ts'

describe('a history', () => {
  it('is of the last minute, the oldest first', () => {
    const history = new History()
    assert.deepEqual(history.last(3), [])
    for (let i = 1; i <= KEPT + 5; i++) history.push(i)
    assert.deepEqual(history.last(3), [KEPT + 3, KEPT + 4, KEPT + 5])
    assert.equal(history.last(1000).length, KEPT)
    assert.equal(history.last(1000)[0], 6)
  })
})

describe('a picture of a fleet', () => {
  it('knows what all use together, and how it was', () => {
    const picture = pictureOf()
    assert.deepEqual(picture.totals.restarts, 6)
    assert.equal(Math.round(picture.totals.messages), 355)
    assert.deepEqual(
      picture
        .trendOf('api')
        ?.cpu.last(9)
        .map((share) => Math.round(share * 100)),
      [17, 33, 50],
    )
    assert.deepEqual(picture.trendOf('room-43')?.memory.last(9), [NaN, NaN, NaN])
    assert.equal(picture.worker('git')?.pid, 900)
    assert.equal(picture.worker('nobody'), undefined)
  })

  for (const [type, more, expected] of [
    ['exited', { at: 4000 }, { state: 'exited', pid: undefined, memory: undefined }],
    ['spawned', { at: 4000, pid: 77, incarnation: 3 }, { state: 'starting', pid: 77, incarnation: 3, cpu: undefined }],
    ['ready', { at: 4000 }, { state: 'running', pid: 48213 }],
    ['degraded', { at: 4000 }, { state: 'degraded', pid: 48213 }],
    ['restart-scheduled', { at: 4000 }, { state: 'backoff', pid: undefined }],
    ['gave-up', { at: 4000 }, { state: 'failed', pid: undefined }],
    ['something-new', { at: 4000 }, { state: 'running', pid: 48213 }],
    ['exited', { at: 2999 }, { state: 'running', pid: 48213 }],
  ] as const) {
    it(`at once shows: ${type}${more.at < 3000 ? ', unless the figures are newer' : ''}`, () => {
      const picture = pictureOf()
      picture.take({ topic: 'event', data: event(type, more) }, 4000)
      for (const [key, value] of Object.entries(expected))
        assert.equal(picture.worker('web')?.[key as keyof typeof expected], value, key)
    })
  }

  it('is not shaken by events of strangers, nor by what it was not told', () => {
    const picture = pictureOf()
    picture.take({ topic: 'event', data: event('exited', { worker: 'nobody' }) }, 4000)
    picture.take({ topic: 'event', data: { seq: 1, at: 9999, type: 'fleet-ready' } }, 4000)
    picture.take({ topic: 'dropped', data: { topic: 'event', count: 3 } }, 4000)
    assert.equal(picture.workers.length, SOME.length)
  })

  it('stays as it was while the fleet is away, and goes on when it is back', () => {
    const picture = pictureOf()
    picture.lose('it has ended', 5000)
    picture.lose('there is none', 7000)
    assert.deepEqual(picture.link, { state: 'lost', since: 5000, reason: 'there is none' })
    assert.equal(picture.workers.length, SOME.length)
    picture.take({ topic: 'hello', data: { ...FLEET, startedAt: 8000 } }, 8000)
    // Its clock may have been set back.
    picture.take({ topic: 'event', data: event('exited', { at: 1 }) }, 8000)
    assert.equal(picture.worker('web')?.state, 'exited')
    picture.take({ topic: 'metrics', data: { at: 2, workers: [worker('web')] } }, 8000)
    assert.equal(picture.link.state, 'live')
    assert.equal(picture.trendOf('web')?.cpu.last(9).length, 4)
    assert.equal(picture.trendOf('api'), undefined, 'who is gone takes no memory')
  })

  it('counts up with everything that changes', () => {
    const picture = new FleetPicture(0)
    const versions = [picture.version]
    picture.take({ topic: 'hello', data: FLEET }, 0)
    versions.push(picture.version)
    picture.lose('gone', 0)
    versions.push(picture.version)
    picture.count([])
    versions.push(picture.version)
    assert.equal(new Set(versions).size, 4)
  })
})

const idsOf = (sort: SortKey, filter = ''): string[] =>
  rowsOf(SOME, sort, filter).map((row) => (row.kind === 'heading' ? `${row.name}/` : row.worker.id))

describe('the rows of a list', () => {
  for (const [sort, filter, expected] of [
    ['fleet', '', 'web api room-43 report mcp/ git files'],
    ['name', '', 'api files git report room-43 web'],
    ['cpu', '', 'api web git files room-43 report'],
    ['memory', '', 'api web files git room-43 report'],
    ['restarts', '', 'room-43 web api report git files'],
    ['fleet', 'MCP', 'mcp/ git files'],
    ['fleet', '!mcp', 'web api room-43 report'],
    ['fleet', 'backoff', 'room-43'],
    ['name', 'i', 'api files git report web'],
    ['fleet', 'zzz', ''],
    ['fleet', '!', 'web api room-43 report mcp/ git files'],
  ] as const) {
    it(`by ${sort}${filter === '' ? '' : `, /${filter}`}`, () => {
      // `running` has an i.
      const ids = idsOf(sort, filter).filter((id) => sort !== 'name' || filter === '' || id !== 'room-43')
      assert.deepEqual(ids.join(' '), expected)
    })
  }

  it('stay in their order when what they differ in cannot be seen', () => {
    const workers = [worker('a', { cpu: 0.0101 }), worker('b', { cpu: 0.0104 }), worker('c', { cpu: 0.02 })]
    assert.deepEqual(
      rowsOf(workers, 'cpu', '').map((row) => row.kind === 'worker' && row.worker.id),
      ['c', 'a', 'b'],
    )
  })

  it('match by parts, in any case, or by what is not in them', () => {
    assert.ok(matches('Web-1', 'web'))
    assert.ok(!matches('Web-1', '!web'))
    assert.ok(matches('api', '!web'))
    assert.ok(matches('anything', ''))
  })
})

describe('lines', () => {
  it('keep their numbers, and no more memory than they may', () => {
    const lines = new Lines()
    for (let i = 0; i < 10_000; i++) lines.push(record('web', `line ${i}`))
    assert.equal(lines.end, 10_000)
    assert.ok(lines.end - lines.first < 4000)
    assert.equal(lines.at(9999)?.msg, 'line 9999')
    assert.equal(lines.at(lines.first)?.msg, `line ${lines.first}`)
    assert.equal(lines.at(0), undefined)
    lines.clear()
    assert.equal(lines.first, 10_000)
    assert.equal(lines.at(9999), undefined)
  })

  it('that are too long to be looked at are cut', () => {
    const lines = new Lines()
    lines.push(record('web', 'x'.repeat(1_000_000)))
    assert.ok((lines.at(0)?.msg.length ?? 0) < 5000)
  })
})

it('an end that was told is in the picture', () => {
  const picture = pictureOf([worker('web', { lastExit: exit('exited with code 3') })])
  assert.equal(picture.worker('web')?.lastExit?.text, 'exited with code 3')
})

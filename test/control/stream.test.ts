import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { settled } from '../support/fake-clock.ts'
import { FakeFleet } from './fake-fleet.ts'
import { InHand } from './in-hand.ts'

const seqs = (frames: readonly { topic: string; data: unknown }[]): unknown[] =>
  frames.filter(({ topic }) => topic === 'event').map(({ data }) => (data as { seq: number }).seq)

void test('a stream begins with the fleet, and goes on with what happens from then on', async () => {
  const { fleet, open } = new InHand()
  fleet.happen('before')
  const reader = await open('/v1/stream')
  assert.deepEqual(await reader.frame(), { topic: 'hello', data: fleet.status() })
  assert.equal((await reader.frame()).topic, 'metrics')
  const event = fleet.happen('after')
  assert.deepEqual(await reader.framesNow(), [{ topic: 'event', data: event }])
  await reader.leave()
  assert.deepEqual(fleet.listeners, [0, 0])
})

void test('events that were missed come first, in order and once', async () => {
  const { fleet, open } = new InHand()
  for (let count = 0; count < 5; count++) fleet.happen('early')
  for (const [path, headers] of [
    ['/v1/stream?topics=event&since=2', {}],
    ['/v1/stream?topics=event', { 'last-event-id': '2' }],
    ['/v1/stream?topics=event&since=4', { 'last-event-id': '2' }],
  ] as const) {
    const reader = await open(path, headers)
    fleet.happen('late')
    const seen = seqs(await reader.framesNow())
    assert.deepEqual(
      seen,
      Array.from({ length: seen.length }, (_, index) => index + 3),
      path,
    )
    assert.equal(seen.at(-1), fleet.eventsSince(0).at(-1)?.seq)
    await reader.leave()
  }
})

void test('whoever comes from an earlier fleet hears all of this one', async () => {
  const { fleet, open } = new InHand()
  fleet.happen('first')
  const reader = await open('/v1/stream?topics=event', { 'last-event-id': '5000' })
  assert.deepEqual(seqs(await reader.framesNow()), [1])
  await reader.leave()
})

void test('events that nobody knows any more are told as missing', async () => {
  const { fleet, open } = new InHand()
  fleet.remembered = 10
  for (let count = 0; count < 100; count++) fleet.happen('early')
  const reader = await open('/v1/stream?topics=event&since=20')
  const [, dropped, ...events] = await reader.framesNow()
  assert.deepEqual(dropped, { topic: 'dropped', data: { topic: 'event', count: 70 } })
  assert.deepEqual(seqs(events), [91, 92, 93, 94, 95, 96, 97, 98, 99, 100])
  // He does not read, and time goes on.
  for (let count = 0; count < 30; count++) fleet.happen('late')
  const later = await reader.framesNow()
  assert.deepEqual(later[0], { topic: 'dropped', data: { topic: 'event', count: 20 } })
  assert.deepEqual(seqs(later).length, 10)
  await reader.leave()
})

void test('who asks for some workers hears of no others', async () => {
  const { fleet, open } = new InHand()
  const cases: readonly (readonly [names: string, heard: readonly string[]])[] = [
    ['web', ['web']],
    ['api', ['api-1']],
    ['app:*', ['api-1']],
    ['app/back:*', ['api-1']],
    ['app/b:*', []],
    ['p,web', ['web', 'p-1']],
    ['all', ['web', 'api-1', 'p-1']],
    ['nobody', []],
  ]
  for (const [names, heard] of cases) {
    const reader = await open(`/v1/stream?workers=${encodeURIComponent(names)}`)
    await reader.framesNow()
    for (const worker of fleet.places.keys()) {
      fleet.happen('ready', worker)
      fleet.write(worker, 'hello')
    }
    const frames = await reader.framesNow()
    const workersOf = (topic: string): unknown[] =>
      frames.filter((frame) => frame.topic === topic).map(({ data }) => (data as { worker: string }).worker)
    assert.deepEqual([workersOf('event'), workersOf('log')], [heard, heard], names)
    await reader.leave()
    const again = await open(`/v1/stream?topics=metrics&workers=${encodeURIComponent(names)}`)
    const [, metrics] = await again.framesNow()
    assert.ok(metrics?.topic === 'metrics')
    const seen = metrics.data.workers.map(({ id }) => id)
    assert.deepEqual(seen, heard, names)
    await again.leave()
  }
})

void test('the fleet is looked at once a second for all who listen, and never for nobody', async () => {
  const { fleet, clock, open } = new InHand()
  await clock.advanceAsync(10_000)
  assert.equal(fleet.looks, 0)
  const readers = await Promise.all([1, 2, 3].map(() => open('/v1/stream?topics=metrics')))
  for (const reader of readers) await reader.framesNow()
  assert.equal(fleet.looks, 1)
  await clock.advanceAsync(3000)
  assert.equal(fleet.looks, 4)
  for (const reader of readers) assert.equal((await reader.framesNow()).at(-1)?.topic, 'metrics')
  const late = await open('/v1/stream?topics=metrics')
  assert.deepEqual((await late.framesNow()).map(({ topic }) => topic), ['hello', 'metrics']) // prettier-ignore
  assert.equal(fleet.looks, 4, 'who comes later gets what was seen last')
  for (const reader of [...readers, late]) await reader.leave()
  await clock.advanceAsync(10_000)
  assert.deepEqual([fleet.looks, clock.pending], [4, 0])
})

void test('who reads metrics slowly gets the newest, and hears how many he has missed', async () => {
  const { clock, open } = new InHand()
  const reader = await open('/v1/stream?topics=metrics')
  await reader.framesNow()
  await clock.advanceAsync(5000)
  const [dropped, metrics, ...rest] = await reader.framesNow()
  // One was being read.
  const [first] = [dropped]
  assert.ok(first !== undefined)
  const frames = [dropped, metrics, ...rest]
  const missed = frames.flatMap((frame) => (frame?.topic === 'dropped' ? [frame.data.count] : []))
  const told = frames.filter((frame) => frame?.topic === 'metrics').length
  assert.equal(
    missed.reduce((sum, count) => sum + count, told),
    5,
  )
  assert.ok(told <= 2)
  const last = frames.at(-1)
  assert.ok(last?.topic === 'metrics' && last.data.at === clock.date())
  await reader.leave()
})

void test('a look that fails is told to us, and the next one is tried', async () => {
  const { fleet, clock, faults, open } = new InHand()
  fleet.lookFails = true
  const reader = await open('/v1/stream?topics=metrics')
  assert.deepEqual((await reader.framesNow()).map(({ topic }) => topic), ['hello']) // prettier-ignore
  assert.equal(faults.length, 1)
  fleet.lookFails = false
  await clock.advanceAsync(1000)
  assert.deepEqual((await reader.framesNow()).map(({ topic }) => topic), ['metrics']) // prettier-ignore
  await reader.leave()
})

void test('silence is broken every fifteen seconds', async () => {
  const { clock, fleet, open } = new InHand()
  const reader = await open('/v1/stream?topics=event')
  await reader.framesNow()
  for (let count = 0; count < 3; count++) {
    await clock.advanceAsync(15_000)
    assert.equal(await reader.textNow(), ':\n\n')
  }
  await reader.leave()
  assert.deepEqual([clock.pending, fleet.listeners], [0, [0, 0]])
})

void test('who has stopped reading takes bounded memory, slows nobody, and hears what he has missed', async () => {
  const { fleet, clock, open } = new InHand()
  const [stuck, quick] = [await open('/v1/stream'), await open('/v1/stream')]
  await stuck.frame()
  await quick.framesNow()
  const line = 'x'.repeat(1000)
  let read = 0
  globalThis.gc?.()
  const before = process.memoryUsage().heapUsed
  for (let round = 0; round < 200; round++) {
    for (let count = 0; count < 100; count++) fleet.write('web', line)
    fleet.past.length = 0
    fleet.happen('tick', 'web')
    await clock.advanceAsync(1000)
    read += (await quick.framesNow()).filter(({ topic }) => topic === 'log').length
  }
  globalThis.gc?.()
  const grown = process.memoryUsage().heapUsed - before
  assert.equal(read, 20_000, 'the other has missed nothing')
  assert.ok(grown < 8 * 2 ** 20, `20 MB were written, and ${grown} bytes are kept`)
  const frames = await stuck.framesNow()
  const count = (topic: string): number => frames.filter((frame) => frame.topic === topic).length
  const missed = (topic: string): number =>
    frames.reduce(
      (sum, frame) => sum + (frame.topic === 'dropped' && frame.data.topic === topic ? frame.data.count : 0),
      0,
    )
  assert.equal(count('log') + missed('log'), 20_000)
  assert.ok(missed('log') > 18_000)
  assert.deepEqual(
    seqs(frames),
    Array.from({ length: 200 }, (_, index) => index + 1),
    'of events he has missed none',
  )
  assert.equal(count('metrics') + missed('metrics'), 201)
  await Promise.all([stuck.leave(), quick.leave()])
})

void test('what comes after a gap stands after it', async () => {
  const { fleet, open } = new InHand()
  const reader = await open('/v1/stream?topics=log,event')
  await reader.frame()
  const long = 'x'.repeat(100_000)
  for (let count = 0; count < 20; count++) fleet.write('web', `${count} ${long}`)
  fleet.happen('between')
  fleet.write('web', 'dropped, too')
  const frames = await reader.framesNow()
  fleet.write('web', 'after')
  frames.concat(await reader.framesNow())
  const topics = frames.map((frame) => (frame.topic === 'dropped' ? `dropped ${frame.data.count}` : frame.topic))
  const logs = topics.filter((topic) => topic === 'log').length
  assert.deepEqual(topics.slice(logs), [`dropped ${20 - logs}`, 'event', 'dropped 1'])
  await reader.leave()
})

void test('a stream ends with the fleet, behind what has happened until then', async () => {
  const { fleet, clock, open } = new InHand()
  const reader = await open('/v1/stream?topics=event,log')
  await reader.framesNow()
  fleet.write('web', 'last words')
  await fleet.stop()
  await settled()
  assert.deepEqual((await reader.framesNow()).map(({ topic }) => topic), ['log', 'event']) // prettier-ignore
  assert.equal(await reader.text(), undefined)
  const late = await open('/v1/stream')
  assert.equal((await late.frame()).topic, 'hello')
  assert.equal(await late.text(), undefined)
  assert.deepEqual([clock.pending, fleet.listeners], [0, [0, 0]])
})

/** Somebody writes while somebody reads history: at each record so many lines more. */
const bursts = fc.array(fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 4 }), { maxLength: 20 })

void test('history goes over into what comes without a gap or a repetition, whatever is written meanwhile', async () => {
  await fc.assert(
    fc.asyncProperty(bursts, bursts, fc.nat({ max: 30 }), async (before, meanwhile, lines) => {
      const { fleet, open } = new InHand(new FakeFleet({ a: {}, b: {}, c: {} }))
      for (const workers of before) for (const worker of workers) fleet.write(worker, 'before')
      const known = fleet.past.length
      const reader = await open(`/v1/logs?follow&lines=${lines}`)
      const left = meanwhile.slice()
      fleet.betweenRecords = () => {
        for (const worker of left.shift() ?? []) fleet.write(worker, 'meanwhile')
      }
      let text = ''
      const drain = async (): Promise<void> => {
        for (let piece = await reader.textNow(); piece !== undefined; piece = await reader.textNow()) text += piece
      }
      await drain()
      for (const workers of left) for (const worker of workers) fleet.write(worker, 'after')
      await drain()
      const told = text.split('\n').filter((line) => line !== '').map((line) => (JSON.parse(line) as { seq: number }).seq)
      const expected = fleet.past.map(({ seq }) => seq).slice(Math.max(0, known - lines))
      assert.deepEqual(told, expected)
      await reader.leave()
      assert.deepEqual(fleet.listeners, [0, 0])
    }),
    { numRuns: 200 },
  )
}) // prettier-ignore

void test('lines of other streams and workers are not followed', async () => {
  const { fleet, open } = new InHand()
  const reader = await open('/v1/logs?follow&stream=err&workers=api')
  fleet.write('web', 'no', 'err')
  fleet.write('api-1', 'no', 'out')
  await reader.textNow()
  fleet.write('api-1', 'yes', 'err')
  assert.match((await reader.textNow()) ?? '', /^\{[^\n]*"yes"[^\n]*\}\n$/)
  await reader.leave()
})

void test('who follows too slowly hears how many lines he has missed', async () => {
  const { fleet, app, open } = new InHand()
  const reader = await open('/v1/logs?follow&lines=0')
  await reader.textNow()
  for (let count = 0; count < 5000; count++) fleet.write('web', 'x'.repeat(1000))
  let text = ''
  for (let piece = await reader.textNow(); piece !== undefined; piece = await reader.textNow()) text += piece
  const records = text.split('\n').slice(0, -1).map((line) => JSON.parse(line) as { dropped?: number; stream: string })
  const missed = records.reduce((sum, { dropped = 0 }) => sum + dropped, 0)
  assert.equal(records.filter(({ dropped }) => dropped === undefined).length + missed, 5000)
  assert.ok(missed > 3000)
  assert.equal(app.readers.dropped.log, missed)
  await reader.leave()
}) // prettier-ignore

void test('history that cannot be read ends in a line that says so', async () => {
  const { fleet, open } = new InHand()
  for (let count = 0; count < 3; count++) fleet.write('web', `line ${count}`)
  let reads = 0
  fleet.betweenRecords = () => {
    if (++reads === 3) throw new Error('the disk is gone')
  }
  const reader = await open('/v1/logs')
  let text = ''
  for (let piece = await reader.text(); piece !== undefined; piece = await reader.text()) text += piece
  const [first, second, problem] = text.trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>)
  assert.deepEqual([first?.['msg'], second?.['msg']], ['line 0', 'line 1'])
  assert.deepEqual(Object.keys(problem ?? {}), ['problem'])
}) // prettier-ignore

import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { describe } from 'node:test'
import { type Framing, type MasterEvent, channel, lines, pipe, select, systemClock } from '../../src/index.ts'
import { story, watch } from '../support/story.ts'

void describe('the master', () => {
  story('getWorker makes a worker once, and never starts it', (master) => {
    const worker = master.getWorker('w')
    assert.equal(master.getWorker('w'), worker)
    assert.equal(worker.state, 'idle')
    assert.deepEqual([master.hasWorker('w'), master.hasWorker('x')], [true, false])
    assert.deepEqual([...master.workers()], [worker])
    return Promise.resolve()
  })

  story('delWorker of one that never ran has no exit to tell', async (master) => {
    master.getWorker('w')
    assert.equal(await master.delWorker('w'), undefined)
  })

  story('events tell a life from start to end, to each subscriber', async (master) => {
    const events = watch(master)
    const others = watch(master)
    const worker = await master.getWorker('w').start('true')
    await worker.exited
    await master.delWorker('w')
    await Promise.all([events.until('deleted'), others.until('deleted')])
    assert.deepEqual(
      events.seen.map((event) => event.type),
      ['spawned', 'ready', 'exited', 'deleted'],
    )
    assert.deepEqual(events.seen, others.seen)
    assert.partialDeepStrictEqual(events.seen[0], { worker: 'w', incarnation: 1, file: 'true' })
  })

  story('events are on diagnostics_channel too', async (master) => {
    const seen: MasterEvent[] = []
    const listener = (event: unknown): number => seen.push(event as MasterEvent)
    subscribe('pagent:worker:exited', listener)
    await (
      await master.getWorker('w').start('true')
    ).exited
    unsubscribe('pagent:worker:exited', listener)
    assert.partialDeepStrictEqual(seen, [{ type: 'exited', worker: 'w', exit: { kind: 'normal' } }])
  })

  story('broadcast reaches every running worker and encodes once', async (master) => {
    let encoded = 0
    const plain = lines()
    const framing: Framing<string> = {
      ...plain,
      encode: (line) => {
        encoded++
        return plain.encode(line)
      },
    }
    const workers = await Promise.all(['a', 'b', 'c'].map((id) => master.getWorker(id).start('cat', [], { framing })))
    master.getWorker('idle')
    await master.broadcast('to all')
    assert.deepEqual(await Promise.all(workers.map((worker) => worker.receive())), ['to all', 'to all', 'to all'])
    assert.equal(encoded, 1)
  })

  story('a broadcast to one that is dead names it, and reaches the others', async (master) => {
    const [a, b] = await Promise.all(['a', 'b'].map((id) => master.getWorker(id).start('cat')))
    assert.ok(a !== undefined && b !== undefined)
    await a.stop()
    await assert.rejects(master.broadcast('x', [a, b]), /Cannot deliver the broadcast to 1 of 2 workers: a/)
    assert.equal(await b.receive(), 'x')
  })

  story('workers are channels: select and pipe work on them', async (master) => {
    const [a, b] = await Promise.all(['a', 'b'].map((id) => master.getWorker(id).start('cat')))
    assert.ok(a !== undefined && b !== undefined)
    const ticks = channel<string>(1)
    await b.send('from b')
    assert.deepEqual(await select({ a, b, ticks }), { key: 'b', value: 'from b' })
    await Promise.all(['1', '2'].map((line) => a.send(line)))
    await a.end()
    await pipe(a, b)
    assert.deepEqual(await Array.fromAsync(b), ['1', '2'])
  })

  story('one worker feeds another at the pace of the slower', async (master) => {
    const source = await master.getWorker('source').start('seq', ['1', '50000'])
    const sort = await master.getWorker('sort').start('sort', ['-n', '-r'])
    await pipe(source, sort)
    assert.equal(await sort.receive(), '50000')
  })

  story(
    'a worker that nobody reads is paused, and reported once',
    async (master) => {
      const events = watch(master)
      const worker = await master.getWorker('w').start('yes', ['a line that nobody reads'])
      const event = await events.until('stalled')
      assert.equal(event['after'], 5000)
      let read = 0
      for await (const line of worker) {
        assert.equal(line, 'a line that nobody reads')
        if (++read === 100_000) break
      }
      assert.equal(events.seen.filter((seen) => seen.type === 'stalled').length, 1)
    },
    // Time that runs a hundred times faster.
    { clock: { ...systemClock, after: (ms, fire) => systemClock.after(ms / 100, fire) } },
  )

  story('the master can be used again after stop', async (master) => {
    await master.getWorker('w').start('cat')
    await master.stop()
    assert.equal(master.hasWorker('w'), false)
    const worker = await master.getWorker('w').start('cat')
    await worker.send('again')
    assert.equal(await worker.receive(), 'again')
  })

  story(
    'defaults are what every spec begins with',
    async (master) => {
      const worker = await master.getWorker('w').start('sh', ['-c', 'echo $FROM_DEFAULTS'])
      assert.equal(await worker.receive(), 'yes')
    },
    { defaults: { env: { FROM_DEFAULTS: 'yes' } } },
  )
})

import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { fixture, story } from '../support/story.ts'

void describe('starting', () => {
  story('a worker is ready at once unless it says otherwise', async (master) => {
    const worker = await master.getWorker('w').start('cat')
    assert.equal(worker.state, 'running')
    assert.ok((worker.pid ?? 0) > 0)
  })

  story('ready "first-message" waits for it and does not swallow it', async (master) => {
    const worker = await master.getWorker('w').start('sh', ['-c', 'echo hi; cat'], { ready: 'first-message' })
    assert.equal(await worker.receive(), 'hi')
  })

  for (const stream of ['1', '2']) {
    story(`a RegExp waits for a line of ${stream === '1' ? 'stdout' : 'stderr'} that matches`, async (master) => {
      const script = `echo no >&${stream}; echo listening on 80 >&${stream}; cat`
      const worker = await master.getWorker('w').start('sh', ['-c', script], { ready: /listening on \d+/g })
      assert.equal(worker.state, 'running')
    })
  }

  story('a function can talk to the worker to find out', async (master) => {
    const worker = await master.getWorker('w').start('cat', [], {
      ready: async (starting) => {
        await starting.send('ping')
        assert.equal(await starting.receive(), 'ping')
      },
    })
    assert.equal(worker.state, 'running')
  })

  story('not ready in time is an end of its own kind', async (master) => {
    const started = master.getWorker('w').start('cat', [], { ready: 'first-message', readyTimeout: 30 })
    await assert.rejects(started, (error: any) => {
      assert.equal(error.code, 'ERR_PAGENT_EXIT')
      assert.partialDeepStrictEqual(error.exit, { kind: 'unready', after: 30 })
      assert.match(error.message, /^Cannot start worker "w": it was ended because it was not ready within 30ms/)
      return true
    })
  })

  story('a probe that throws is told as the cause', async (master) => {
    const failing = master.getWorker('w').start('cat', [], {
      ready: () => Promise.reject(new Error('wrong version')),
    })
    await assert.rejects(failing, (error: any) => {
      assert.partialDeepStrictEqual(error.exit, { kind: 'crashed', stage: 'ready' })
      assert.equal(error.cause.message, 'wrong version')
      return true
    })
  })

  story('an end before readiness rejects the start with cause and stderr', async (master) => {
    const started = master.getWorker('w').start('sh', ['-c', 'echo no config >&2; exit 78'], { ready: 'first-message' })
    await assert.rejects(started, /it exited with code 78 after .*\n {2}no config/s)
  })

  story('what is sent while it starts is delivered in order', async (master) => {
    const worker = master.getWorker('w')
    const started = worker.start('cat')
    const sent = [worker.send('1'), worker.send('2')]
    const first = worker.receive()
    await started
    await Promise.all([...sent, worker.send('3')])
    assert.deepEqual([await first, await worker.receive(), await worker.receive()], ['1', '2', '3'])
  })

  story('environment and directory are its own: added to the master’s, undefined removes', async (master) => {
    process.env['PAGENT_TEST_KEPT'] = 'kept'
    process.env['PAGENT_TEST_GONE'] = 'gone'
    const script = 'pwd; echo "$PAGENT_TEST_KEPT-$PAGENT_TEST_GONE-$OWN"'
    const worker = await master
      .getWorker('w')
      .start('sh', ['-c', script], { cwd: '/usr', env: { OWN: 'a b\n"c', PAGENT_TEST_GONE: undefined } })
    assert.deepEqual(await Array.fromAsync(worker), ['/usr', 'kept--a b', '"c'])
  })

  story('what is changed in the environment between two starts is different for both', async (master) => {
    const started = ['one', 'two'].map((value) => {
      process.env['PAGENT_TEST_TURN'] = value
      return master.getWorker(value).start('sh', ['-c', 'echo "$PAGENT_TEST_TURN"'])
    })
    delete process.env['PAGENT_TEST_TURN']
    const workers = [
      ...(await Promise.all(started)),
      await master.getWorker('three').start('sh', ['-c', 'echo "<$PAGENT_TEST_TURN>"']),
    ]
    assert.deepEqual(await Promise.all(workers.map((worker) => worker.receive())), ['one', 'two', '<>'])
  })

  story('only what it may inherit is inherited, and only where it is there', async (master) => {
    process.env['PAGENT_TEST_SECRET'] = 'secret'
    const worker = await master
      .getWorker('w')
      .start('env', [], { inheritEnv: ['PATH', 'PAGENT_TEST_MISSING', 'toString'], env: { OWN: 'own' } })
    const names = (await Array.fromAsync(worker)).map((line) => line.split('=')[0])
    delete process.env['PAGENT_TEST_SECRET']
    // The portable launcher marks what is its own.
    assert.deepEqual(new Set(names.filter((name) => name !== 'PAGENT_MASTER')), new Set(['OWN', 'PATH']))
  })

  story('a relative program is looked up from its own directory', async (master) => {
    const folder = fixture('.')
    const worker = await master.getWorker('w').start('./half-a-line.sh', [], { cwd: folder })
    assert.equal(await worker.receive(), 'whole')
  })

  story('a worker can be started again after its end, with another command', async (master) => {
    const worker = master.getWorker('w')
    await worker.start('true')
    await worker.exited
    await worker.start('echo', ['again'])
    assert.equal(await worker.receive(), 'again')
    assert.equal(worker.incarnation, 2)
  })

  story('restart begins a new life with the same command', async (master) => {
    const worker = await master.getWorker('w').start('cat')
    const first = worker.pid
    await worker.restart()
    assert.notEqual(worker.pid, first)
    await worker.send('x')
    assert.equal(await worker.receive(), 'x')
  })
})

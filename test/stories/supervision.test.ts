import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Master, type SupervisorSpec, type Worker, supervisor, task, worker } from '../../src/index.ts'
import { fixture, story, watch } from '../support/story.ts'
import { isAlive } from '../support/processes.ts'

const FAST = { min: 1, max: 2 }
const cat = (id: string): Worker => worker(id, 'cat', [], { backoff: FAST })
const mute = (id: string, own: object): Worker =>
  worker(id, 'sleep', ['60'], { shutdown: { eof: 0 }, backoff: { min: '1h', max: '1h' }, ...own })
const states = (workers: Iterable<Worker>): string[] => [...workers].map(({ id, state }) => `${id} ${state}`)

void describe('a supervisor of a master', () => {
  story('keeps workers that belong to the master, too', async (master) => {
    const app = await master.supervise({ id: 'app', children: [cat('a'), cat('b')] })
    assert.deepEqual(states(master.workers()), ['a running', 'b running'])
    assert.equal(master.getWorker('a').supervisor, 'app')
    assert.deepEqual([...master.supervisors()], [app])
    await master.broadcast('hello')
    assert.equal(await master.getWorker('b').receive(), 'hello')
    await app.stop()
    assert.deepEqual([states(master.workers()), [...master.supervisors()]], [[], []])
  })

  story(
    'begins a worker’s spec with the defaults of the master',
    async (master) => {
      const show = worker('show', 'sh', ['-c', 'echo $A $B; cat'], { env: { B: 'own' } })
      await master.supervise({ id: 'app', children: [show] })
      assert.equal(await show.receive(), 'default own')
    },
    { defaults: { env: { A: 'default', B: 'default' } } },
  )

  story('tells what it did and why, in the events of the master', async (master) => {
    const events = watch(master)
    const db = supervisor({ id: 'db', strategy: 'rest-for-one', children: [cat('store'), cat('index')] })
    await master.supervise({ id: 'app', children: [db] })
    master.getWorker('store').kill()
    await events.until('restart-planned')
    await untilRunning(master.getWorker('index'), 2)
    await master.stop()
    const told = events.seen.filter((event) => event['supervisor'] !== undefined).map(tell)
    assert.deepEqual(told, [
      'app/db child-started store',
      'app/db child-started index',
      'app/db supervisor-started',
      'app child-started db',
      'app supervisor-started',
      'app/db child-exited store signaled restart',
      'app/db restart-planned store stop index start store,index',
      'app/db child-exited index stopped stopped',
      'app/db child-started store',
      'app/db child-started index',
      'app/db child-exited index stopped stopped',
      'app/db child-exited store stopped stopped',
      'app/db supervisor-exited stopped',
      'app child-exited db stopped stopped',
      'app supervisor-exited stopped',
    ])
  })

  story('publishes them on diagnostics channels', async (master) => {
    const { subscribe, unsubscribe } = await import('node:diagnostics_channel')
    const seen: unknown[] = []
    const see = (event: unknown): void => void seen.push(event)
    subscribe('pagent:supervisor:supervisor-started', see)
    await master.supervise({ id: 'app', children: [] })
    unsubscribe('pagent:supervisor:supervisor-started', see)
    assert.partialDeepStrictEqual(seen, [{ supervisor: 'app', incarnation: 1 }])
  })

  story('that has given up is seen, and start revives it', async (master) => {
    const app = await master.supervise({ id: 'app', intensity: { restarts: 0 }, children: [cat('a')] })
    master.getWorker('a').kill()
    assert.equal((await app.exited).kind, 'gave-up')
    assert.deepEqual(
      [[...master.supervisors()].map(({ state }) => state), states(master.workers())],
      [['failed'], ['a exited']],
    )
    await app.start()
    assert.deepEqual(states(master.workers()), ['a running'])
  })

  story('that has given up keeps the names of its workers until somebody lets it go', async (master) => {
    const app = await master.supervise({ id: 'app', intensity: { restarts: 0 }, children: [cat('a')] })
    master.getWorker('a').kill()
    await app.exited
    await assert.rejects(master.delWorker('a'), {
      name: 'TypeError',
      message: /supervisor "app", which has given up, keeps it; its start\(\) revives it, its stop\(\) lets it go$/,
    })
    await assert.rejects(master.supervise({ id: 'other', children: [cat('a')] }), {
      message: /supervisor "app" has one of that name; its remove\("a"\) or its stop\(\) first$/,
    })
    assert.equal((await app.stop()).kind, 'gave-up')
    assert.deepEqual([app.state, states(master.workers()), [...master.supervisors()]], ['exited', [], []])
    await master.supervise({ id: 'other', children: [cat('a')] })
    assert.deepEqual(states(master.workers()), ['a running'])
  })

  story('that removes a supervisor frees the names of everybody below that', async (master) => {
    const deep = supervisor({ id: 'deep', children: [cat('z')] })
    const sub = supervisor({ id: 'sub', children: [cat('y'), deep] })
    const app = await master.supervise({ id: 'app', children: [cat('a'), sub] })
    await app.remove('sub')
    assert.deepEqual(states(master.workers()), ['a running'])
    await app.add(supervisor({ id: 'sub', children: [cat('z')] }))
    await master.supervise({ id: 'other', children: [cat('y')] })
    assert.deepEqual(states(master.workers()), ['a running', 'z running', 'y running'])
  })

  story('that removes a supervisor leaves alone who is kept by somebody else by then', async (master) => {
    const moved = cat('moved')
    const app = await master.supervise({ id: 'app', children: [supervisor({ id: 'sub', children: [moved] })] })
    await app.terminate('sub')
    await app.add(moved)
    await app.remove('sub')
    assert.deepEqual([states(master.workers()), moved.supervisor], [['moved running'], 'app'])
  })

  story('that cannot start a child stops the others, and says why', async (master) => {
    const first = cat('first')
    const second = worker('second', 'sh', ['-c', 'echo no license >&2; exit 3'], { ready: 'first-message' })
    await assert.rejects(master.supervise({ id: 'app', children: [first, second] }), {
      code: 'ERR_PAGENT_GAVE_UP',
      message:
        /^Cannot start supervisor "app": its child "second" exited with code 3 after .*; its last stderr:\n {2}no license$/,
    })
    assert.equal(first.state, 'exited')
    const missing = worker('missing', '/no/such/program')
    await assert.rejects(master.supervise({ id: 'app', children: [missing] }), {
      code: 'ERR_PAGENT_GAVE_UP',
      message: /\/no\/such\/program does not exist/,
    })
  })

  story('goes with its master, in its order, whatever is being done', async (master) => {
    const events = watch(master)
    const slow = worker('slow', fixture('ignore-sigterm.sh'), [], {
      shutdown: { eof: 0, grace: '100ms' },
      ready: 'first-message',
    })
    await master.supervise({ id: 'app', strategy: 'one-for-all', children: [cat('a'), slow, cat('b')] })
    master.getWorker('a').kill()
    await events.until('restart-planned')
    await master.stop()
    assert.deepEqual(states(master.workers()), [])
  })

  story('is hurried with its master', async (master) => {
    const deaf = worker('deaf', fixture('ignores-everything.sh'), [], {
      shutdown: { eof: '1h', grace: '1h' },
      ready: 'first-message',
    })
    await master.supervise({ id: 'app', children: [deaf, cat('b')] })
    void master.stop()
    await master.getWorker('b').exited
    await master.stop({ eof: 0, grace: 0 })
    assert.equal((await deaf.exited).kind, 'stopped')
  })

  story('refuses a name that the master has, and starts nothing', async (master) => {
    await master.getWorker('b').start('cat')
    const a = cat('a')
    await assert.rejects(master.supervise({ id: 'app', children: [a, cat('b')] }), {
      name: 'TypeError',
      message: /Cannot supervise worker "b": the master has one of that name/,
    })
    assert.deepEqual([a.state, a.supervisor, states(master.workers())], ['idle', undefined, ['b running']])
    await master.supervise({ id: 'app', children: [a] })
    await assert.rejects(
      master.supervise({ id: 'app', children: [] }),
      /there is another of that name; stop\(\) that one first/,
    )
  })

  story(
    'counts its workers with those of the master',
    async (master) => {
      await assert.rejects(master.supervise({ id: 'app', children: [cat('a'), cat('b')] }), {
        name: 'RangeError',
        message: /Cannot add worker "b": there are 1 already/,
      })
    },
    { maxWorkers: 1 },
  )
})

void describe('a worker that a supervisor keeps', () => {
  const spec: SupervisorSpec = { id: 'app', children: [cat('a')] }

  story('is started, restarted and deleted there', async (master) => {
    await master.supervise(spec)
    const a = master.getWorker('a')
    const kept = { name: 'TypeError', message: /supervisor "app" keeps it; use its re(start|move)\("a"\)/ }
    await assert.rejects(a.start(), kept)
    await assert.rejects(a.restart(), kept)
    await assert.rejects(master.delWorker('a'), kept)
  })

  story('that is stopped by hand comes back when it is permanent, as OTP’s does after a shutdown', async (master) => {
    await master.supervise({ id: 'app', children: [cat('a')] })
    const a = master.getWorker('a')
    assert.equal((await a.stop()).kind, 'stopped')
    await untilRunning(a, 2)
  })

  story(
    'is used by who waits for it: ready() leads to the next life, and rejects when there is none',
    async (master) => {
      const app = await master.supervise({ id: 'app', children: [{ child: cat('a'), restart: 'transient' }] })
      const a = master.getWorker('a')
      a.kill()
      await a.exited
      await a.ready()
      assert.equal(a.incarnation, 2)
      const waiting = a.exited.then(() => a.ready())
      await a.end()
      await assert.rejects(waiting, { code: 'ERR_PAGENT_EXIT', message: /it exited with code 0/ })
      await app.restart('a')
      await a.ready()
    },
  )

  story('calls onExit before its next life begins', async (master) => {
    const order: string[] = []
    const a = worker('a', 'sh', ['-c', 'echo up; read x; exit 1'], {
      backoff: FAST,
      onMessage: (_, self) => void order.push(`up ${self.incarnation}`),
      onExit: (exit) => void order.push(`down ${exit.incarnation}`),
      ready: 'first-message',
    })
    await master.supervise({ id: 'app', children: [a] })
    await a.send('x')
    await untilRunning(a, 2)
    assert.deepEqual(order, ['up 1', 'down 1', 'up 2'])
  })

  story('that reaches a limit, does not answer or is not heard is restarted like any that failed', async (master) => {
    const events = watch(master)
    const alive = { every: 10, timeout: 50, check: async (self: Worker) => void (await self.receive()) }
    await master.supervise({
      id: 'app',
      children: [mute('unresponsive', { alive }), mute('idle', { limits: { idle: 50 } })],
    })
    for (const id of ['unresponsive', 'idle'])
      await events.untilOne(({ type, child }) => type === 'child-exited' && child === id)
    const kinds = events.seen
      .filter(({ type }) => type === 'child-exited')
      .map((event) => `${event['child']} ${event['exit'].kind} ${event['next']}`)
    assert.deepEqual(kinds.toSorted(), ['idle limit restart', 'unresponsive unresponsive restart'])
  })

  story('tells who waits for it that it will not come', async (master) => {
    const slow = worker('slow', 'cat', [], { backoff: { min: '1h', max: '1h', jitter: 0 } })
    const app = await master.supervise({ id: 'app', children: [slow] })
    slow.kill()
    await slow.exited
    const waiting = assert.rejects(slow.ready(), { code: 'ERR_PAGENT_EXIT' })
    await app.terminate('slow')
    await waiting
    await assert.rejects(slow.ready(), { code: 'ERR_PAGENT_EXIT' })
    const never = cat('never')
    const failed = assert.rejects(
      master.supervise({ id: 'other', children: [worker('no', '/no/such/program'), never] }),
    )
    await assert.rejects(never.ready(), { code: 'ERR_PAGENT_EXIT' })
    assert.equal((await never.exited).incarnation, 0)
    await failed
  })

  story('is the same for the master while a supervisor above it is down', async (master) => {
    const events = watch(master)
    const web = cat('web')
    const sub = supervisor({ id: 'sub', intensity: { restarts: 0 }, children: [web] })
    await master.supervise({ id: 'app', children: [{ child: sub, backoff: { min: 50, max: 50, jitter: 0 } }] })
    web.kill()
    await sub.exited
    assert.equal(master.getWorker('web'), web)
    await assert.rejects(master.delWorker('web'), { name: 'TypeError', message: /supervisor "app" keeps it/ })
    await events.untilOne((event) => event.type === 'ready' && event['incarnation'] === 2)
    assert.equal(web.state, 'running')
  })

  story('of a master is kept by supervisors of that master only', async (master) => {
    const x = master.getWorker('x')
    x.assign('cat', [])
    const app = supervisor({ id: 'app', children: [x] })
    await assert.rejects(app.start(), { name: 'TypeError', message: /it belongs to a master; supervise it there/ })
    await master.supervise(app)
    assert.equal(x.state, 'running')
    await assert.rejects(new Master().supervise(app), { code: 'ERR_PAGENT_ALREADY_STARTED' })
    await app.stop()
    await assert.rejects(new Master().supervise(app), /it belongs to a master/)
  })

  story('cannot be kept by two', async (master) => {
    const a = cat('a')
    const app = supervisor({ id: 'app', children: [a] })
    const other = supervisor({ id: 'other', children: [a] })
    await master.supervise(app)
    await assert.rejects(other.start(), { message: 'Cannot keep worker "a" twice: supervisor "app" keeps it already' })
    await assert.rejects(supervisor({ id: 'third', children: [app] }).start(), {
      code: 'ERR_PAGENT_GAVE_UP',
      message: /it is running/,
    })
  })
})

void describe('a supervisor without a master', () => {
  void it('supervises by itself', async () => {
    const inner = supervisor({ id: 'inner', children: [cat('a')] })
    const app = await supervisor({
      id: 'app',
      children: [inner, { child: task('t', () => new Promise(() => {})), shutdown: 10 }],
    }).start()
    const [status] = inner.children()
    const pid = (status?.child as Worker | undefined)?.pid ?? 0
    assert.equal(isAlive(pid), true)
    await inner.terminate('a')
    assert.equal(isAlive(pid), false)
    await app.remove('t')
    await app.stop()
  })
})

function tell(event: Readonly<Record<string, any>>): string {
  const lists =
    event['type'] === 'restart-planned' ? ['stop', event['stop'].join(','), 'start', event['start'].join(',')] : []
  return [event['supervisor'], event['type'], event['child'], event['exit']?.kind, event['next'], ...lists]
    .filter(Boolean)
    .join(' ')
}

/** Until it can be used, in its n-th life. */
async function untilRunning(one: Worker, incarnation: number): Promise<void> {
  while (one.incarnation < incarnation || one.state !== 'running') {
    if (one.incarnation < incarnation && one.state === 'running') await one.exited
    await one.ready()
  }
}

import assert from 'node:assert/strict'
import { spawnSync, spawn } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { CommandFailure } from '../../src/cli/fleet/failure.ts'
import { readSince } from '../../src/cli/fleet/since.ts'
import { unitFor } from '../../src/cli/startup/unit.ts'
import { Answers } from '../../src/cli/steer/answers.ts'
import { readSignal } from '../../src/cli/steer/signal.ts'
import { painter } from '../../src/cli/terminal.ts'
import { FleetView } from '../../src/cli/up/foreground/fleet-view.ts'
import { Heartbeat, takeOrders } from '../../src/cli/up/foreground/heartbeat.ts'
import { longestStop } from '../../src/cli/up/foreground/longest-stop.ts'
import { OutputQueue } from '../../src/cli/up/foreground/output-queue.ts'
import { beginAnew, outputSince } from '../../src/cli/up/output-file.ts'
import { changesText } from '../../src/cli/up/second-up.ts'
import { selected, startingIds } from '../../src/cli/up/selection.ts'
import { serviceManagerAt } from '../../src/process/companions/service-manager.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { groupOf, planOf, poolOf, workerOf } from '../support/plans.ts'

const folder = mkdtempSync(join(tmpdir(), 'pagent-up-parts-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const plain = { isTerminal: true, isColoured: false, paint: painter(false) }

describe('what is shown without waiting for its reader', () => {
  let count = 0
  /** A pipe of the file system, open for both. */
  function pipe(): { reader: number; writer: number } {
    const path = join(folder, `pipe-${count++}`)
    spawnSync('mkfifo', [path])
    const reader = openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
    return { reader, writer: openSync(path, 'w') }
  }

  const bytes = Buffer.alloc(2 ** 20)
  /** What there is, which may be nothing. */
  const read = (fd: number): string => {
    try {
      return bytes.toString('utf8', 0, readSync(fd, bytes))
    } catch {
      return ''
    }
  }

  it('is written in order', async () => {
    const { reader, writer } = pipe()
    const queue = new OutputQueue(writer)
    for (let i = 0; i < 100; i++) queue.write(`line ${i}\n`)
    await queue.flush(5000)
    assert.equal(read(reader), Array.from({ length: 100 }, (_, i) => `line ${i}\n`).join(''))
    closeSync(reader)
    closeSync(writer)
  })

  it('leaves out what its reader is too slow for, counts it, and goes on', async () => {
    const { reader, writer } = pipe()
    const queue = new OutputQueue(writer, { limit: 10_000, missing: (lines) => `[${lines} missing]\n` })
    const line = `${'x'.repeat(99)}\n`
    // The pipe takes 64 KiB, the queue 10,000 characters; nobody reads.
    for (let i = 0; i < 2000; i++) {
      queue.write(line)
      if (i % 50 === 0) await turn()
    }
    let text = read(reader)
    const flushed = queue.flush(5000).then(() => queue.write('the end\n'))
    for (; !text.endsWith('the end\n'); await turn()) text += read(reader)
    await flushed
    const shown = text.split('\n').filter((one) => one === line.trim()).length
    const missing = [...text.matchAll(/\[(\d+) missing\]/g)].reduce((sum, [, lines]) => sum + Number(lines), 0)
    assert.ok(missing > 0)
    assert.equal(shown + missing, 2000)
    closeSync(reader)
    closeSync(writer)
  })

  it('is not waited for for ever at the end', async () => {
    const { reader, writer } = pipe()
    const clock = new FakeClock()
    const queue = new OutputQueue(writer, { clock })
    queue.write('x'.repeat(200_000))
    const flushed = queue.flush(1000)
    await clock.advanceAsync(1000)
    await flushed
    let length = 0
    for (; length < 200_000; await turn()) length += read(reader).length
    closeSync(reader)
    closeSync(writer)
  })

  it('is for nobody once its reader has left, which is told once', async () => {
    const { reader, writer } = pipe()
    closeSync(reader)
    const left: unknown[] = []
    const queue = new OutputQueue(writer, { onReaderLeft: ({ code }) => left.push(code) })
    for (const text of ['a\n', 'b\n']) {
      queue.write(text)
      await queue.flush(5000)
    }
    assert.deepEqual(left, ['EPIPE'])
    closeSync(writer)
  })
})

const record = { seq: 1, time: 0, worker: 'web', incarnation: 1, stream: 'out', level: 30, msg: 'hello' } as const
function view(isTerminal: boolean): { view: FleetView; shown: string[]; told: string[] } {
  const [shown, told] = [[] as string[], [] as string[]]
  const options = {
    prefix: true,
    timestamps: false,
    names: ['web'],
    width: () => 20,
    tell: (text: string) => told.push(text),
  }
  return {
    view: new FleetView({ ...plain, isTerminal }, { write: (text) => shown.push(text) }, options),
    shown,
    told,
  }
}

describe('the view of a fleet', () => {
  it('keeps the line at the bottom below what comes, as wide as the terminal', () => {
    const { view: terminal, shown } = view(true)
    terminal.status(' game · 5 running · Ctrl-C stops ')
    terminal.record(record)
    terminal.note('stopping')
    terminal.status('')
    terminal.record(record)
    const bottom = ' game · 5 running ·'
    assert.deepEqual(shown, [
      `\r\x1b[K${bottom.slice(0, 18)}…`,
      `\r\x1b[Kweb | hello\n${bottom.slice(0, 18)}…`,
      `\r\x1b[Kpagent: stopping\n${bottom.slice(0, 18)}…`,
      '\r\x1b[K',
      'web | hello\n',
    ])
  })

  it('is plain lines where there is no terminal, with our own words elsewhere', () => {
    const { view: pipe, shown, told } = view(false)
    pipe.status('5 running')
    pipe.record(record)
    pipe.note('stopping')
    assert.deepEqual([shown, told], [['web | hello\n'], ['stopping']])
  })
})

describe('which workers start', () => {
  const plan = planOf([
    workerOf('db', 'x'),
    workerOf('cache', 'x'),
    workerOf('web-1', 'x', [], { service: 'web', dependsOn: ['db'] }),
    workerOf('web-2', 'x', [], { service: 'web', startsAfter: ['cache'] }),
    groupOf('rooms', [workerOf('room-1', 'x'), groupOf('deep', [workerOf('room-2', 'x'), workerOf('room-3', 'x')])]),
    poolOf('thumbs', 'x'),
    workerOf('job', 'x', [], { autostart: false }),
  ])
  const kinds = (names: string[]): string[] => selected(plan, names).entries.map(({ id }) => id)

  for (const [names, expected] of [
    [[], ['db', 'cache', 'web-1', 'web-2', 'room-1', 'room-2', 'room-3']],
    [['db'], ['db']],
    [['web'], ['db', 'cache', 'web-1', 'web-2']],
    [['web-1'], ['db', 'web-1']],
    [['room-2'], ['room-2']],
    [['rooms'], ['room-1', 'room-2', 'room-3']],
    [['rooms:*'], ['room-1', 'room-2', 'room-3']],
    [['rooms/deep:*'], ['room-2', 'room-3']],
  ] as const) {
    it(`${names.join(' ') || 'without names'}: ${expected.join(' ')}`, () => {
      assert.deepEqual(startingIds(selected(plan, names)), expected)
    })
  }

  it('leaves the other workers there to be started by hand, and the other pools out', () => {
    assert.ok(!kinds(['db']).includes('thumbs'))
    assert.ok(kinds(['thumbs']).includes('thumbs'))
    assert.ok(kinds(['db']).includes('job'))
  })

  it('refuses a name that is nobody’s, with the one that was meant', () => {
    assert.throws(
      () => selected(plan, ['cahce']),
      (error: CommandFailure) => {
        assert.match(error.message, /there is no worker "cahce" in .*\. Did you mean cache\?/)
        return error.exitCode === 4
      },
    )
  })

  it('take so long to stop: who is depended on waits, those of a group one after the other', () => {
    const slow = { shutdown: { farewell: undefined, eof: 1000, killSignal: 'SIGTERM', grace: 3000 } } as const
    assert.equal(longestStop([workerOf('a', 'x', [], slow), workerOf('b', 'x', [], slow)]), 4000)
    assert.equal(
      longestStop([workerOf('a', 'x', [], slow), workerOf('b', 'x', [], { ...slow, dependsOn: ['a'] })]),
      8000,
    )
    assert.equal(longestStop([groupOf('g', [workerOf('a', 'x', [], slow), workerOf('b', 'x', [], slow)])]), 8000)
    const both = [workerOf('a', 'x', [], slow), workerOf('b', 'x', [], slow)]
    assert.equal(longestStop([groupOf('g', both, { stop: 'together' })]), 4000)
    assert.equal(longestStop([groupOf('g', [], { stop: 'together' })]), 0)
    assert.equal(longestStop([]), 0)
  })
})

describe('what a fleet in the background has said', () => {
  it('goes on in the same file, until that is large', () => {
    const file = join(folder, 'up.log')
    assert.equal(beginAnew(file), 0)
    writeFileSync(file, 'pagent: hello\n')
    assert.equal(beginAnew(file), 14)
    assert.equal(outputSince(file, 8), '  hello')
    writeFileSync(file, 'x'.repeat(100_000))
    assert.equal(beginAnew(file), 0)
  })
})

describe('what is answered to a pipe that has ended', () => {
  for (const [ms, expected] of [
    [0, 500],
    [1000, 1400],
    [60_000, 5000],
  ] as const) {
    it(`is waited for while it comes, here for ${ms} ms`, async () => {
      const clock = new FakeClock()
      const answers = new Answers(clock)
      const began = clock.now()
      const over = answers.quiet(new AbortController().signal).then(() => clock.now() - began)
      for (let spent = 0; spent < 6000; spent += 100) {
        if (spent < ms) answers.heard()
        await clock.advanceAsync(100)
      }
      assert.equal(await over, expected)
    })
  }

  it('is not waited for by who has left', async () => {
    await new Answers(new FakeClock()).quiet(AbortSignal.abort())
  })
})

describe('values of options', () => {
  for (const [value, check] of [
    ['5m', (ms: number) => Math.abs(Date.now() - 300_000 - ms) < 5000],
    ['2026-11-26', (ms: number) => ms === Date.parse('2026-11-26T00:00')],
    ['2026-11-26T09:30', (ms: number) => ms === Date.parse('2026-11-26T09:30')],
    ['2026-11-26 09:30:15', (ms: number) => ms === Date.parse('2026-11-26T09:30:15')],
    ['2026-11-26T09:30Z', (ms: number) => ms === Date.parse('2026-11-26T09:30Z')],
    ['09:30', (ms: number) => new Date(ms).getHours() === 9 && new Date(ms).getMinutes() === 30],
  ] as const) {
    it(`--since ${value}`, () => assert.ok(check(readSince(value)), String(new Date(readSince(value)))))
  }
  for (const value of ['', 'yesterday', '5', '-5m', '2026-13-45', '1e9', '25:99', '24:00', '09:30:60']) {
    it(`refuses --since ${JSON.stringify(value)}`, () => assert.throws(() => readSince(value), /Expected|Say the unit/))
  }

  for (const [value, signal] of [
    ['HUP', 'SIGHUP'],
    ['sighup', 'SIGHUP'],
    ['1', 'SIGHUP'],
    ['SIGUSR1', 'SIGUSR1'],
  ] as const) {
    it(`signal ${value} is ${signal}`, () => assert.equal(readSignal(value), signal))
  }
  it('refuses a signal that is none, with the one that was meant', () => {
    assert.throws(() => readSignal('SIGTREM'), /There is no such signal. Did you mean TERM\?/)
    assert.throws(() => readSignal('banana-split'), /kill -l lists them/)
  })
})

describe('what a second up says', () => {
  it('is what was added, changed and removed, and how many were left alone', () => {
    const text = changesText(
      { schemaVersion: 1, added: ['a'], changed: ['b'], removed: ['c'], unchanged: ['d', 'e'] },
      plain,
    )
    assert.equal(text, '+ a  added\n~ b  changed, started again\n- c  removed\n= 2 unchanged, left alone\n')
  })
})

describe('the service manager', () => {
  it('is known by the environment, which no worker inherits', () => {
    const env: NodeJS.ProcessEnv = {
      NOTIFY_SOCKET: '/run/x',
      WATCHDOG_USEC: '30000000',
      WATCHDOG_PID: String(process.pid),
    }
    assert.deepEqual(takeOrders(env), { socket: '/run/x', watchdog: 30_000 })
    assert.deepEqual(env, {})
    assert.equal(takeOrders(env), undefined)
    assert.deepEqual(takeOrders({ NOTIFY_SOCKET: '@x', WATCHDOG_USEC: '1', WATCHDOG_PID: '1' }), {
      socket: '@x',
      watchdog: undefined,
    })
  })

  it('hears of life twice as often as it asks for, and of each change once', () => {
    const clock = new FakeClock()
    const told: string[] = []
    const heartbeat = new Heartbeat(
      { tell: (line) => told.push(line), close: () => told.push('closed') },
      10_000,
      clock,
    )
    heartbeat.status('5 running')
    heartbeat.status('5 running')
    heartbeat.ready()
    heartbeat.ready()
    clock.advance(10_000)
    heartbeat.stopping()
    heartbeat.close()
    clock.advance(10_000)
    assert.deepEqual(told, [
      'WATCHDOG=1',
      'STATUS=5 running',
      'READY=1',
      'WATCHDOG=1',
      'WATCHDOG=1',
      'STOPPING=1',
      'closed',
    ])
    assert.equal(clock.pending, 0)
  })

  for (const kind of ['in the file system', 'in the abstract name space'] as const) {
    it(`gets a datagram for each line, at a socket ${kind}`, async () => {
      const socket = kind === 'in the file system' ? join(folder, 'notify.sock') : `@pagent-test-${process.pid}`
      const listener = spawn('python3', ['-u', '-c', LISTENER, socket], { stdio: ['pipe', 'pipe', 'inherit'] })
      const printed = createInterface({ input: listener.stdout })[Symbol.asyncIterator]()
      assert.equal((await printed.next()).value, 'listening')
      const manager = serviceManagerAt(socket)
      manager.tell('READY=1')
      manager.tell('STATUS=5 running · grüße')
      manager.close()
      const lines = [(await printed.next()).value, (await printed.next()).value]
      listener.kill()
      assert.deepEqual(lines, ["b'READY=1'", String.raw`b'STATUS=5 running \xc2\xb7 gr\xc3\xbc\xc3\x9fe'`])
    })
  }

  it('that is not there is no harm', async () => {
    const manager = serviceManagerAt(join(folder, 'nobody.sock'))
    manager.tell('READY=1')
    manager.tell('READY=1')
    manager.close()
    await turn()
  })
})

/** Says that it listens, then prints each datagram. */
const LISTENER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
name = sys.argv[1]
s.bind('\\0' + name[1:] if name[0] == '@' else name)
print('listening')
while True: print(s.recv(4096))
`

describe('the unit of systemd', () => {
  const facts = {
    command: ['/usr/bin/node', '/opt/my app/main.js', 'up', '--file', '/srv/50%$x/pagent.yaml'],
    longestStop: 12_400,
  }
  const plan = planOf([], { name: 'game', folder: '/srv/50%' })

  it('says everything there is to say, quoted as systemd reads it', () => {
    const unit = unitFor(plan, { ...facts, user: 'anna', canNotify: true })
    for (const line of [
      'Description=pagent fleet game',
      'Type=notify',
      'NotifyAccess=all',
      'WatchdogSec=30s',
      'ExecStart=/usr/bin/node "/opt/my app/main.js" up --file /srv/50%%$$x/pagent.yaml',
      'WorkingDirectory=/srv/50%%',
      'User=anna',
      'TimeoutStopSec=23s',
      'KillMode=mixed',
      'Delegate=yes',
      'WantedBy=multi-user.target',
    ])
      assert.ok(unit.split('\n').includes(line), `${line}\n${unit}`)
  })

  it('of a user has no user, and is wanted by what users have', () => {
    const unit = unitFor(plan, { ...facts, user: undefined, canNotify: true })
    assert.ok(!/^User=/m.test(unit))
    assert.match(unit, /^WantedBy=default.target$/m)
  })

  it('promises nothing where the fleet cannot say how it is', () => {
    const unit = unitFor(plan, { ...facts, user: 'anna', canNotify: false })
    assert.match(unit, /^Type=exec$/m)
    assert.ok(!/Watchdog|Notify/.test(unit))
  })

  it(
    'is one that systemd takes',
    { skip: spawnSync('systemd-analyze', ['--version']).error && 'needs systemd-analyze' },
    () => {
      const unit = join(folder, 'pagent-game.service')
      const text = unitFor(planOf([], { name: 'game', folder: '/' }), {
        ...facts,
        command: [process.execPath, 'x'],
        user: 'root',
        canNotify: true,
      })
      spawnSync('tee', [unit], { input: text })
      const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', unit], { encoding: 'utf8' })
      assert.equal(status, 0, stderr)
    },
  )
})

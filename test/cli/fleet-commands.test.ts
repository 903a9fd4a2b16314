import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Cli } from './cli.ts'
import { type Workplace, atWork } from './workplace.ts'

const SDK = JSON.stringify(fileURLToPath(new URL('../../src/sdk/index.ts', import.meta.url)))

const FLEET = `
name: fleet
workers:
  echo: { command: [sh, -c, 'while read line; do echo "got $$line"; echo "seen $$line" >&2; done', $TOKEN] }
  calculator: { command: [${process.execPath}, --disable-warning=ExperimentalWarning, calculator.ts, $TOKEN], framing: json-rpc }
  crasher: { command: [sh, -c, 'read line; echo "$$line" >&2; exit 3', $TOKEN], backoff: { min: 10ms, max: 10ms } }
  resting: { command: [cat], autostart: false }
  twin: { command: [cat], autostart: false, replicas: 2 }
groups:
  rooms:
    workers:
      room-1: { command: [sh, -c, 'exec cat', $TOKEN] }
      room-2: { command: [sh, -c, 'exec cat', $TOKEN] }
`
const CALCULATOR = `
import { serve } from ${SDK}
await serve({
  add: (a: number, b: number) => a + b,
  fail: () => { throw new Error('no such luck') },
  nothing: () => {},
  hang: () => new Promise(() => {}),
  count: async function* () { yield 1 },
})
`

/** A fleet in the background. */
function withFleet(title: string, tell: (place: Workplace) => Promise<void>): void {
  atWork(title, FLEET, async (place) => {
    place.write('calculator.ts', CALCULATOR)
    const { code, stderr } = await place.run('up', '--wait')
    assert.equal(code, 0, stderr)
    await tell(place)
  })
}

/** Polls a command until what it shows matches. */
async function until(place: Workplace, pattern: RegExp, ...args: readonly string[]): Promise<string> {
  for (;;) {
    const text = String((await place.run(...args)).stdout)
    if (pattern.test(text)) return text
  }
}

describe('looking at a fleet', () => {
  withFleet('ps, status, tree: for people, and as JSON with its schema version', async (place) => {
    const text = await place.text('ps')
    assert.match(text, /^NAME +STATE +PID +UP +RESTARTS +CPU +MEMORY +MSG\/S +LAST EXIT\n/)
    assert.match(text, /^rooms\/\n {2}room-1 +● running/m)
    assert.match(text, /^resting +○ idle +– /m)
    assert.match(await place.text('ps', 'rooms:*'), /^NAME.*\nrooms\/\n {2}room-1.*\n {2}room-2.*\n$/)
    assert.match(await place.text('ps', '-o', 'wide'), /PROCS +MSG\/S +LIFE +SERVICE/)
    const json = (await place.json('ps', 'echo')) as { schemaVersion: number; workers: { id: string }[] }
    assert.deepEqual([json.schemaVersion, json.workers.map(({ id }) => id)], [1, ['echo']])
    const lines = (await place.text('ps', '-o', 'jsonl')).trim().split('\n')
    assert.equal(lines.length, 8)
    for (const line of lines) assert.equal(JSON.parse(line).schemaVersion, 1)
    assert.match(
      await place.text('tree'),
      /^fleet\/ {2}● running.*\n├─ echo {2}● running.*\n[^]*└─ rooms\/.*\n {3}├─ room-1/,
    )
    assert.match(await place.text('tree', '-f', 'mermaid'), /^flowchart TD\n/)
    assert.equal(JSON.parse(await place.text('tree', '-f', 'json')).kind, 'fleet')
    assert.match(await place.text('status'), /● fleet\n +state: ready since/)
    assert.match(await place.text('status', 'room-1'), /command: sh -c 'exec cat' pagent-test-/)
    assert.equal(((await place.json('status', 'room-1')) as { id: string }).id, 'room-1')
    assert.match(await place.text('fleets'), /^FLEET +PID +UP +WORKERS +FILE\nfleet +\d+ .* running/)
  })

  withFleet('status is 3 for what does not run, everything is 4 for who is not there', async (place) => {
    assert.equal((await place.run('status', 'resting')).code, 3)
    assert.equal((await place.run('status', 'echo', 'resting')).code, 3)
    for (const args of [
      ['ps', 'ecoh'],
      ['status', 'ecoh'],
      ['logs', 'ecoh'],
      ['events', 'ecoh'],
      ['start', 'ecoh'],
      ['stop', 'ecoh'],
      ['restart', 'ecoh'],
      ['signal', 'HUP', 'ecoh'],
      ['send', 'ecoh', 'x'],
      ['attach', 'ecoh'],
      ['call', 'ecoh', 'x'],
      ['wait', 'ecoh'],
    ]) {
      const { code, stderr } = await place.run(...args)
      assert.equal(code, 4, `${args.join(' ')}: ${stderr}`)
      assert.equal(stderr, 'pagent: there is no worker "ecoh" in fleet "fleet". Did you mean echo?\n', args.join(' '))
    }
  })

  withFleet('logs: of whom, of which stream, of which life, how many', async (place) => {
    await place.text('send', 'echo', 'hello', 'world')
    assert.equal(await until(place, /seen/, 'logs', 'echo', '--stream', 'err'), 'echo | seen hello world\n')
    assert.equal(await place.text('logs', 'echo', '--stream', 'out', '--no-prefix'), 'got hello world\n')
    assert.match(await place.text('logs', 'echo', '-t', '-n', '1'), /^\d\d:\d\d:\d\d\.\d{3} echo \| \S+ hello world\n$/)
    await place.text('send', 'crasher', 'oops')
    await until(place, /started with pid \d+\n[^]*exited with code 3 [^]*started with pid/, 'logs', 'crasher')
    assert.match(await place.text('logs', 'crasher', '--previous'), /crasher \| oops\n/)
    const { records } = (await place.json('logs', 'crasher', '--stream', 'err')) as {
      records: { msg: string; level: number }[]
    }
    assert.deepEqual(
      records.map(({ msg, level }) => [msg, level]),
      [['oops', 40]],
    )
    assert.equal(
      await place.text('logs', '--since', '2020-01-01', 'echo', '--stream', 'out', '--no-prefix'),
      'got hello world\n',
    )
    assert.equal((await place.run('logs', '-f', '-o', 'json')).code, 2)
  })

  withFleet('logs -f goes on until the fleet ends, or its reader leaves', async (place) => {
    const following = place.start('logs', '-f', 'echo', '--no-prefix', '--stream', 'out')
    await place.text('send', 'echo', '1')
    await following.until('stdout', /^got 1$/m)
    const leaving = place.start('logs', '-f', 'echo', '-n', '1')
    await leaving.until('stdout', /echo/)
    leaving.process.stdout?.destroy()
    await place.text('send', 'echo', '2')
    assert.equal((await leaving.ended).code, 141)
    await following.until('stdout', /^got 2$/m)
    await place.run('down')
    assert.equal((await following.ended).code, 0)
  })

  withFleet('events: what happened, and what happens', async (place) => {
    assert.match(
      await place.text('events', 'echo'),
      /^\d\d:\d\d:\d\d\.\d{3} {2}echo +started \S+ \(pid \d+\)\n.* {2}echo +ready after/,
    )
    const following = place.start('events', '-f', '-o', 'jsonl', 'crasher')
    await following.until('stdout', /"type":"ready"/)
    await place.text('send', 'crasher', 'oops')
    const [line] = await following.until('stdout', /^.*"type":"exited".*$/m)
    const event = JSON.parse(line) as { schemaVersion: number; worker: string; exit: { exitCode: number } }
    assert.deepEqual([event.schemaVersion, event.worker, event.exit.exitCode], [1, 'crasher', 3])
    assert.equal(((await place.json('events', '--since', '1h', '-n', '2')) as { events: unknown[] }).events.length, 2)
  })
})

describe('changing a fleet', () => {
  withFleet('start, stop, restart, signal: what came of it, for each', async (place) => {
    assert.match(await place.text('stop', 'rooms:*'), /^room-1 {2}□ exited {2}was stopped .*\nroom-2 {2}□ exited/)
    assert.match(
      await place.text('start', 'room-1', 'resting'),
      /^(?:resting {2}● running\n|room-1 {3}● running.*\n){2}$/,
    )
    const before = (await place.json('status', 'echo')) as { pid: number; incarnation: number }
    const { results } = (await place.json('restart', 'echo')) as {
      results: { worker: string; ok: boolean; state: string }[]
    }
    assert.deepEqual(
      results.map(({ worker, ok, state }) => [worker, ok, state]),
      [['echo', true, 'running']],
    )
    const after = (await place.json('status', 'echo')) as { pid: number; incarnation: number }
    assert.equal(after.incarnation, before.incarnation + 1)
    await place.text('signal', 'kill', 'echo')
    await until(place, /killed by SIGKILL/, 'status', 'echo')
    const { code, stderr } = await place.run('signal', 'TREM', 'echo')
    assert.deepEqual([code, /There is no such signal. Did you mean TERM\?/.test(stderr)], [2, true])
  })

  withFleet('send and attach: lines to a worker, and back', async (place) => {
    assert.equal((await place.pipe('one\ntwo\n', 'send', 'echo')).code, 0)
    assert.equal(await until(place, /two/, 'logs', 'echo', '--stream', 'out', '--no-prefix'), 'got one\ngot two\n')
    const both = await place.run('send', 'twin', 'x')
    assert.deepEqual(
      [both.code, both.stderr],
      [4, 'pagent: "twin" is not one worker in fleet "fleet": name one of twin-1, twin-2\n'],
    )
    const attached = new Cli(['attach', 'echo'], place.env, place.folder)
    attached.process.stdin?.write('three\n')
    await attached.until('stdout', /^got three$/m)
    await attached.until('stderr', /^seen three$/m)
    attached.process.stdin?.end()
    assert.equal((await attached.ended).code, 0)
    assert.match(await place.text('ps', 'echo'), /● running/)
    // It may be slower than half a second.
    const answered = async (): Promise<string> => String((await place.pipe('four\n', 'attach', 'echo')).stdout)
    while ((await answered()) !== 'got four\n') continue
  })

  withFleet('call: the result as JSON on stdout, errors with their codes', async (place) => {
    assert.equal(await place.text('call', 'calculator', 'add', '2', '3'), '5\n')
    assert.equal(await place.text('call', 'calculator', 'nothing'), 'null\n')
    for (const [args, expected, pattern] of [
      [['call', 'calculator', 'fail'], 1, /no such luck/],
      [['call', 'calculator', 'subtract'], 1, /subtract/],
      [['call', 'calculator', 'hang', '--timeout', '200ms'], 124, /200ms/],
      [['call', 'calculator', 'add', 'two'], 2, /"two" is not JSON .* '"two"'/],
      [
        ['call', 'calculator', 'count'],
        1,
        /it returns a stream, and pagent call shows one result: read it in a program/,
      ],
      [['call', 'echo', 'add', '1'], 2, /does not serve calls/],
    ] as const) {
      const { code, stdout, stderr } = await place.run(...args)
      assert.deepEqual([code, String(stdout)], [expected, ''], `${args.join(' ')}: ${stderr}`)
      assert.match(stderr, pattern)
    }
  })

  withFleet('wait: for ready, for the end, and not for ever', async (place) => {
    assert.equal((await place.run('wait', 'all')).code, 0)
    const late = await place.run('wait', 'echo', '--for', 'exit', '--timeout', '200ms')
    assert.equal(late.code, 124)
    assert.match(late.stderr, /waited 200ms for echo \(running\) to end/)
    const ending = place.run('wait', 'echo', '--for', 'exit')
    await place.text('stop', 'echo')
    assert.equal((await ending).code, 0)
    const starting = place.run('wait', 'resting')
    await place.text('start', 'resting')
    assert.equal((await starting).code, 0)
    const stopped = await place.run('wait', 'echo')
    assert.equal(stopped.code, 1)
    assert.match(stopped.stderr, /echo was stopped .*; it does not become ready. See: pagent status echo/)
  })

  const MIGRATION = `
name: migration
workers:
  db: { command: [sh, -c, 'read line && echo up && exec cat', $TOKEN], ready: { line: up }, ready_timeout: 10m, intensity: 0/1m }
  migration: { command: [sh, -c, 'exit 7', $TOKEN], depends_on: [db], restart: 'no' }
  resting: { command: cat, autostart: false }
`
  atWork('wait: who has not had its turn yet has not ended', MIGRATION, async (place) => {
    const up = place.start('up')
    await up.until('stdout', /db +· started/)
    for (const name of ['migration', 'all']) {
      const { code, stderr } = await place.run('wait', name, '--for', 'exit', '--timeout', '300ms')
      assert.equal(code, 124)
      assert.match(stderr, /waited 300ms for .*migration \(idle\).* to end/)
    }
    await place.text('send', 'db', 'go')
    const { code, stderr } = await place.run('wait', 'migration', '--for', 'exit')
    assert.equal(code, 1)
    assert.match(stderr, /migration exited with code 7/)
    assert.equal((await place.run('wait', 'resting', '--for', 'exit')).code, 0)
  })

  atWork('wait: who could not be started has not ended well', MIGRATION, async (place) => {
    const up = place.start('up')
    await up.until('stdout', /db +· started/)
    await place.text('signal', 'kill', 'db')
    const { code, stderr } = await place.run('wait', 'migration', '--for', 'exit')
    assert.equal(code, 1)
    assert.match(stderr, /migration has not run: what it depends on does not. See: pagent status migration/)
  })

  atWork('read-only: everything can be seen, nothing be changed', FLEET, async (place) => {
    place.write('calculator.ts', CALCULATOR)
    const up = await place.up('--read-only')
    assert.equal((await place.run('ps')).code, 0)
    const { code, stderr } = await place.run('stop', 'echo')
    assert.equal(code, 1)
    assert.match(stderr, /read-only/)
    up.process.kill('SIGTERM')
    await up.ended
  })
})

describe('without a fleet', () => {
  atWork('every command says so, with 5, and what to do', FLEET, async (place) => {
    for (const args of [
      ['ps'],
      ['status'],
      ['tree'],
      ['logs'],
      ['events'],
      ['down'],
      ['start', 'x'],
      ['send', 'x', 'y'],
      ['attach', 'x'],
      ['call', 'x', 'y'],
      ['wait', 'x'],
      ['signal', 'HUP', 'x'],
    ]) {
      const { code, stdout, stderr } = await place.run(...args)
      assert.deepEqual([code, String(stdout)], [5, ''], args.join(' '))
      assert.match(stderr, /^pagent: the fleet of .*pagent\.yaml is not running; start it by pagent up\n$/)
    }
    assert.equal((await place.run('fleets')).code, 0)
  })

  atWork('every command explains itself in 80 columns, with an example', FLEET, async (place) => {
    const names =
      'up down fleets startup ps status tree logs events wait start stop restart signal send attach call completion'
    for (const name of names.split(' ')) {
      const text = await place.text(name, '--help')
      assert.match(text, new RegExp(`Examples?:[^]*pagent ${name}`), name)
      assert.deepEqual(
        text.split('\n').filter((line) => line.length > 80),
        [],
        name,
      )
    }
  })
})

import assert from 'node:assert/strict'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe } from 'node:test'
import { untilGone } from './cli.ts'
import { type Workplace, atWork } from './workplace.ts'

/** `$$` is a dollar in a configuration. */
const GAME = `
name: game
workers:
  echo: { command: [sh, -c, 'while read line; do echo "got $$line"; done', $TOKEN] }
  ticker: { command: [sh, -c, 'i=0; while :; do i=$$((i+1)); echo tick $$i; sleep 0.1; done', $TOKEN] }
groups:
  rooms:
    workers:
      room-1: { command: [sh, -c, 'exec cat', $TOKEN] }
      room-2: { command: [sh, -c, 'exec cat', $TOKEN] }
`

const STUBBORN = `
name: stubborn
workers:
  deaf: { command: [sh, -c, 'trap "" TERM; echo up; while :; do sleep 1; done', $TOKEN], shutdown: { eof: 0s, grace: 10m } }
`
const SLOW_START = `
name: slow
workers:
  slow: { command: [sh, -c, 'exec sleep 1000', $TOKEN], ready: { line: never }, ready_timeout: 10m }
`
const NEEDS = `
name: needs
workers:
  db: { command: [sh, -c, 'exec cat', $TOKEN] }
  web: { command: [sh, -c, 'exec cat', $TOKEN], depends_on: [db] }
  other: { command: [sh, -c, 'exec cat', $TOKEN] }
`
const TESTS = `
name: tests
workers:
  server: { command: [sh, -c, 'exec cat', $TOKEN] }
  tests: { command: [sh, -c, 'exit 7'], restart: 'no', depends_on: [server] }
`
const JOB = `
name: jobs
workers:
  a: { command: [sh, -c, 'exit CODE'], restart: 'no' }
`
/** Numbers, each in a line of a hundred characters, a few thousand a second. */
const FLOOD = `
name: flood
workers:
  flood: { command: [awk, 'BEGIN { for (i = 1; ; i++) { printf "%099d\\n", i; if (i % 500 == 0) { fflush(); system("sleep 0.1") } } }', $TOKEN] }
`
const FAILING = `
name: failing
workers:
  fine: { command: [sh, -c, 'exec cat', $TOKEN] }
  broken: { command: [sh, -c, 'exit 9'], intensity: 0/1m, ready: { line: never } }
`
const RESTLESS = `setInterval(() => {}, 1000)
export default { workers: { echo: { command: ['sh', '-c', 'exec cat', process.env.TOKEN] } } }
`

const pidsOf = async (place: Workplace): Promise<number[]> => {
  const { workers } = (await place.json('ps')) as { workers: { pid?: number }[] }
  return workers.flatMap(({ pid }) => pid ?? [])
}

describe('pagent up in the foreground', () => {
  atWork(
    'shows all lines behind their names, without a terminal plainly, and ends all by SIGINT with 130',
    GAME,
    async (place) => {
      const up = await place.up()
      await up.until('stdout', /^ticker \| tick 3$/m)
      await up.until('stderr', /fleet "game" from .*pagent\.yaml: 4 workers/)
      const pids = await pidsOf(place)
      assert.equal(pids.length, 4)
      up.process.kill('SIGINT')
      const { code, stdout, stderr } = await up.ended
      assert.equal(code, 130)
      assert.match(stderr, /stopping 4 workers, in \S+ at most; Ctrl-C again kills them now/)
      assert.match(stderr, /fleet "game" is down after .*; nothing is left of it\n$/)
      assert.match(String(stdout), /^room-1 · started with pid \d+$/m)
      assert.ok(!`${String(stdout)}${stderr}`.includes('\x1b'), 'there are no escape codes')
      assert.deepEqual(await untilGone(pids), [])
      assert.equal((await place.run('ps')).code, 5)
    },
  )

  for (const [signal, code] of [
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    atWork(`ends all by ${signal}, with ${code}`, GAME, async (place) => {
      const up = await place.up()
      up.process.kill(signal)
      assert.equal((await up.ended).code, code)
    })
  }

  atWork('kills what does not want to end by a second signal, and a third changes nothing', STUBBORN, async (place) => {
    const up = await place.up()
    await up.until('stdout', /deaf \| up/)
    up.process.kill('SIGINT')
    await up.until('stderr', /stopping 1 worker, in 10m at most/)
    up.process.kill('SIGINT')
    await up.until('stderr', /killing 1 worker and everything/)
    up.process.kill('SIGINT')
    const { code, stderr } = await up.ended
    assert.equal(code, 130)
    assert.equal(stderr.match(/^pagent: (?:stopping|killing)/gm)?.length, 2)
  })

  atWork('ends while it starts, too', SLOW_START, async (place) => {
    const up = place.start('up')
    await up.until('stdout', /slow · started with pid/)
    up.process.kill('SIGINT')
    assert.equal((await up.ended).code, 130)
  })

  atWork('leaves nothing when it is killed, and the next one says what it found', GAME, async (place) => {
    const up = await place.up()
    const pids = await pidsOf(place)
    // What is written down for the next one is a second old at most.
    await up.until('stdout', /tick 25/)
    up.process.kill('SIGKILL')
    await up.ended
    assert.deepEqual(await untilGone(pids), [])
    assert.equal((await place.run('ps')).code, 5)
    const next = await place.up()
    await next.until(
      'stderr',
      /found what a fleet left that was killed: "game" \(pid \d+\) with 4 workers; nothing of it is left/,
    )
    next.process.kill('SIGTERM')
    await next.ended
  })

  atWork('adds times with -t, leaves names out with --no-prefix', GAME, async (place) => {
    const up = await place.up('-t', '--no-prefix')
    await up.until('stdout', /^\d\d:\d\d:\d\d\.\d{3} tick 1$/m)
  })

  atWork('goes on when nobody reads what it shows, and says what is missing', FLOOD, async (place) => {
    const up = await place.up()
    up.process.stdout?.pause()
    const messages = async (): Promise<number> => {
      const { records } = (await place.json('logs', 'flood', '--stream', 'out', '-n', '1')) as {
        records: { msg: string }[]
      }
      return Number(records[0]?.msg)
    }
    // Far more than pipes and queues take: 20,000 lines of 100 characters.
    const first = await messages()
    while ((await messages()) < first + 20_000) continue
    assert.match(await place.text('ps', 'flood'), /● running/)
    up.process.stdout?.resume()
    await up.until('stdout', /^… \d+ lines came too fast to be shown: see pagent logs$/m)
    up.process.stdout?.destroy()
    await up.until('stderr', /nobody reads the output any more; the fleet goes on/)
    assert.match(await place.text('ps', 'flood'), /● running/)
    assert.equal((await place.run('down')).code, 0)
    assert.equal((await up.ended).code, 0)
  })

  atWork('starts only what is named, and what that needs', NEEDS, async (place) => {
    const up = await place.up('web')
    const { workers } = (await place.json('ps')) as { workers: { id: string; state: string }[] }
    const states = Object.fromEntries(workers.map(({ id, state }) => [id, state]))
    assert.deepEqual(states, { db: 'running', web: 'running', other: 'idle' })
    assert.equal((await place.run('up', 'other')).code, 0)
    await up.until('stdout', /other +· started/)
  })

  atWork('ends by itself when all have done their work, with 1 when not all have done it well', '', async (place) => {
    for (const code of [0, 3]) {
      place.write('pagent.yaml', JOB.replace('CODE', String(code)))
      const { code: ended, stderr } = await place.run('up')
      assert.equal(ended, code === 0 ? 0 : 1)
      assert.match(stderr, code === 0 ? /all workers have done their work/ : /all workers have ended, a not well/)
    }
  })

  atWork('ends by itself when those that were named have done their work', '', async (place) => {
    place.write('pagent.yaml', JOB.replace('CODE', '0').concat("  b: { command: [sh, -c, 'exec cat', $TOKEN] }\n"))
    const { code, stderr } = await place.run('up', 'a')
    assert.equal(code, 0)
    assert.match(stderr, /all workers have done their work/)
  })

  atWork('takes the exit code of the one it was for, and stops the others', TESTS, async (place) => {
    const { code, stderr } = await place.run('up', '--exit-code-from', 'tests')
    assert.equal(code, 7)
    assert.match(stderr, /tests exited with code 7/)
  })

  atWork('refuses a broken configuration with 2, and a name that is nobody’s with 4', GAME, async (place) => {
    const unknown = await place.run('up', 'ehco')
    assert.equal(unknown.code, 4)
    assert.match(unknown.stderr, /Did you mean echo\?/)
    place.write('pagent.yaml', 'workers: { a: { comand: cat } }')
    const broken = await place.run('up')
    assert.equal(broken.code, 2)
    assert.match(broken.stderr, /pagent\.yaml:1:\d+.*comand/)
    const misuse = await place.run('up', '--timeout', '5s')
    assert.deepEqual([misuse.code, misuse.stderr], [2, 'pagent: --timeout needs --wait. See: pagent up --help\n'])
  })
})

describe('a second up', () => {
  atWork('applies what differs, and leaves what does not alone', GAME, async (place) => {
    const up = await place.up()
    const before = (await place.json('ps')) as { workers: { id: string; pid: number }[] }
    const same = await place.run('up')
    assert.deepEqual([same.code, String(same.stdout)], [0, '= 5 unchanged, left alone\n'])
    assert.match(same.stderr, /is up already; it is as its configuration says/)
    place.write('pagent.yaml', GAME.replace('got', 'heard').replace('room-2', 'room-3'))
    const { code, stdout } = await place.run('up')
    assert.equal(code, 0)
    assert.match(String(stdout), /^\+ room-3 {2}added$/m)
    assert.match(String(stdout), /^~ echo {2}changed, started again$/m)
    assert.match(String(stdout), /^- room-2 {2}removed$/m)
    const after = (await place.json('ps')) as { workers: { id: string; pid: number }[] }
    const pid = (list: typeof before, id: string): number | undefined => list.workers.find((one) => one.id === id)?.pid
    assert.equal(pid(after, 'ticker'), pid(before, 'ticker'))
    assert.notEqual(pid(after, 'echo'), pid(before, 'echo'))
    await up.until('stdout', /room-3 +· started/)
  })
})

describe('pagent up -d', () => {
  atWork('goes on in the background until pagent down', GAME, async (place) => {
    const { code, stderr } = await place.run('up', '--wait')
    assert.equal(code, 0, stderr)
    assert.match(stderr, /fleet "game" is up \(pid \d+\): 4 running/)
    const pids = await pidsOf(place)
    while (!/tick 5$/m.test(await place.text('logs', 'ticker'))) continue
    const down = await place.run('down')
    assert.equal(down.code, 0)
    const own = /^pagent: fleet "game" from .* 4 workers.*\npagent: fleet "game" is down after .*\n$/
    assert.match(readFileSync(join(place.folder, 'state/pagent/game/up.log'), 'utf8'), own)
    assert.match(down.stderr, /stopping fleet "game": 4 running\n.*is down after .*; nothing is left of it/)
    assert.deepEqual(await untilGone(pids), [])
    const again = await place.run('down')
    assert.equal(again.code, 5)
  })

  atWork('says what failed, with 1, and where it can be read', FAILING, async (place) => {
    const { code, stderr } = await place.run('up', '--wait')
    assert.equal(code, 1)
    assert.match(stderr, /broken failed: it .*exited with code 9.*See: pagent status broken/)
  })

  atWork('gives up waiting, not the fleet, after --timeout', SLOW_START, async (place) => {
    const { code, stderr } = await place.run('up', '--wait', '--timeout', '300ms')
    assert.equal(code, 124)
    assert.match(stderr, /not all were ready within 300ms, it goes on/)
    assert.equal((await place.run('ps')).code, 0)
  })

  atWork('is ended by Ctrl-C while it is waited for', SLOW_START, async (place) => {
    const up = place.start('up', '--wait')
    const log = join(place.folder, 'state/pagent/slow/up.log')
    for (;;) {
      if (existsSync(log) && readFileSync(log, 'utf8').includes('fleet "slow" from')) break
      await new Promise((resolve) => void setImmediate(resolve))
    }
    up.process.kill('SIGINT')
    assert.equal((await up.ended).code, 130)
    assert.equal((await place.run('ps')).code, 5)
  })

  atWork('leaves nothing when it is killed', GAME, async (place) => {
    await place.run('up', '-d')
    const { pid } = (await place.json('status')) as { pid: number }
    const pids = await pidsOf(place)
    process.kill(pid, 'SIGKILL')
    assert.deepEqual(await untilGone(pids), [])
  })

  atWork('ends although its configuration has left something open', '', async (place) => {
    rmSync(join(place.folder, 'pagent.yaml'))
    place.write('pagent.config.mjs', RESTLESS)
    assert.equal((await place.run('up', '-d')).code, 0)
    const { pid } = (await place.json('status')) as { pid: number }
    assert.equal((await place.run('up')).code, 0)
    assert.equal((await place.run('down')).code, 0)
    assert.deepEqual(await untilGone([pid]), [])
  })

  atWork('two fleets live side by side by name, from one file and from two', GAME, async (place) => {
    await place.run('up', '--wait')
    await place.run('up', '--wait', '--fleet', 'other')
    const many = await place.run('ps')
    assert.equal(many.code, 2)
    assert.match(many.stderr, /2 fleets are running from .*: game, other; choose one by --fleet/)
    const { fleets } = (await place.json('fleets')) as { fleets: { name: string }[] }
    assert.deepEqual(
      fleets.map(({ name }) => name),
      ['game', 'other'],
    )
    await place.text('stop', 'echo', '--fleet', 'other')
    assert.match(await place.text('ps', 'echo', '--fleet', 'game'), /running/)
    assert.match(await place.text('ps', 'echo', '--fleet', 'other'), /exited/)
    const wrong = await place.run('ps', '--fleet', 'othr')
    assert.equal(wrong.code, 5)
    assert.match(wrong.stderr, /fleet "othr" is not running. Did you mean other\?/)
  })
})

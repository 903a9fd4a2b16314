import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { after, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { needsPython } from '../../support/compile.ts'
import { Cli, MAIN, cli, environment, lives, untilGone } from '../cli.ts'
import { Screen } from '../screen.ts'
import { Workplace } from '../workplace.ts'

const CONFIG = `
name: games
workers:
  echo: { command: [sh, -c, 'echo "echo is here"; cat; exit', $TOKEN] }
  painter: { command: [sh, -c, 'printf "\\\\033[31mred\\\\033[0m \\\\033[2J\\\\033[Hsame line 你好\\\\n"; cat; exit', $TOKEN] }
  crasher:
    command: [sh, -c, 'echo "life begins"; read line; echo "last words" >&2; exit 3', $TOKEN]
    restart: always
    intensity: { restarts: 50, within: 1m }
groups:
  rooms:
    workers: { room: { command: [sh, -c, 'cat; exit', $TOKEN], replicas: 2 } }
`

const NEEDS_TMUX = !existsSync('/usr/bin/tmux') && 'needs tmux: apt-get install tmux'

/** The process of the view of that fleet: whoever has that name of a file in its environment. */
function pidsOfTop(place: Workplace): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      try {
        const isOurs = readFileSync(`/proc/${pid}/environ`, 'utf8').includes(place.folder)
        return isOurs && /main\.ts\0top\0/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
      } catch {
        return false
      }
    })
}

const pidsOf = (list: any): unknown => list.workers.map(({ pid }: any) => pid)

describe('pagent top in a terminal', { skip: NEEDS_TMUX }, () => {
  const place = new Workplace(CONFIG)
  const screens: Screen[] = []
  const close = (): void => screens.splice(0).forEach((screen) => screen.close())
  let isUp = false

  const open = async (columns = 100, rows = 30, ...args: readonly string[]): Promise<Screen> => {
    if (!isUp) await place.text('up', '-d', '--wait')
    isUp = true
    close()
    const screen = new Screen(columns, rows, place.env, place.folder)
    screens.push(screen)
    screen.run(['top', ...args])
    await screen.until(/▸ echo +● running/)
    return screen
  }
  after(async () => {
    close()
    await place.close()
  })

  it('lists workers, and below them what all of them write; q gives the screen back', async () => {
    const screen = await open(80, 24)
    const shown = await screen.until(/painter \| red same line 你好/)
    assert.match(shown, /^pagent top · games +5 running · up \d/)
    assert.match(shown, /NAME +STATE +PID +UP +RST +CPU +MEMORY +LAST EXIT/)
    assert.match(shown, /rooms\/ {2}2 workers[^]*room-1 +● running[^]*room-2 +● running/)
    assert.match(shown, /echo +\| echo is here/)
    assert.deepEqual(screen.flags(), { alternate: true, cursor: false })
    assert.ok(screen.colours())
    screen.keys('q')
    await screen.until(/exit code 0/)
    assert.deepEqual(screen.flags(), { alternate: false, cursor: true })
  })

  it('selects, focuses, sends a line, and shows what came back', async () => {
    const screen = await open()
    screen.keys('Enter')
    await screen.until(/── echo ─+\n[^]*echo is here/)
    screen.keys('i')
    await screen.until(/^echo> *$/m)
    assert.deepEqual(screen.flags(), { alternate: true, cursor: true })
    screen.keys('hello from the terminal', 'Enter')
    await screen.until(/^hello from the terminal$/m)
    screen.keys('Escape')
    await screen.until(/\? help {2}esc back/)
    screen.keys('d')
    await screen.until(/command: sh -c[^]*process: pid \d+/)
    screen.keys('Escape', 'Escape')
    await screen.until(/▸ echo/)
    screen.keys('?')
    await screen.until(/SIGKILL: see that it is started again/)
  })

  it('sees a crash and what it had said before, and that it is started again', async () => {
    const screen = await open()
    screen.keys(':')
    await screen.until(/^:$/m)
    screen.keys('send crasher go', 'Enter')
    await screen.until(/crasher +● running .* 1 .*exit 3/)
    await screen.until(/crasher \| last words[^]*crasher · exited with code 3/)
    screen.keys('j', 'j', 'p')
    const before = await screen.until(/── crasher, the life before ─+/)
    assert.match(before, /before: exited with code 3/)
    await screen.until(/life begins\nlast words\nexited with code 3/)
    screen.keys('p')
    await screen.until(/── crasher ─+/)
  })

  it('kills after a yes, and not before', async () => {
    const screen = await open()
    const pid = /▸ echo +● running +(\d+)/.exec(await screen.until(/▸ echo +● running +\d+/))?.[1]
    screen.keys('C-k')
    await screen.until(/Send SIGKILL to echo\? y yes, any other key no/)
    screen.keys('n')
    await screen.until(/not done/)
    assert.ok(lives(Number(pid)))
    screen.keys('C-k')
    await screen.until(/Send SIGKILL to echo\?/)
    screen.keys('y')
    await screen.until(/▸ echo +● running .*SIGKILL/)
    assert.ok(!lives(Number(pid)))
  })

  it('stops what is marked, and starts it again', async () => {
    const screen = await open()
    screen.keys('/', 'room', 'Enter')
    await screen.until(/▸ +room-1[^]*\/room|\/room[^]*▸ +room-1/)
    screen.keys('Space', 'Space')
    await screen.until(/2 marked/)
    screen.keys('s')
    await screen.until(/room-1 +□ exited[^]*room-2 +□ exited/)
    await screen.until(/stop 2 workers \(room-1, room-2\): done/)
    screen.keys('g', 's')
    await screen.until(/room-1 +● running[^]*room-2 +□ exited/)
    screen.keys(':', 'start room-2', 'Enter')
    await screen.until(/room-1 +● running[^]*room-2 +● running/)
  })

  it('changes nothing when it is read-only', async () => {
    const screen = await open(100, 30, '--read-only')
    screen.keys('r')
    await screen.until(/this view is read-only: nothing can be changed from here/)
    screen.keys('i')
    await screen.until(/nothing can be sent from here/)
  })

  it('fits a terminal that changes its size', async () => {
    const screen = await open(120, 40)
    await screen.until(/MSG\/S/)
    screen.resize(60, 15)
    const narrow = await screen.until(/NAME +STATE +UP +RST +CPU +MEMORY\n/)
    assert.equal(narrow.trimEnd().split('\n').length, 15)
    screen.resize(40, 10)
    await screen.until(/NAME +STATE +CPU +MEMORY\n/)
    screen.resize(30, 5)
    await screen.until(/40x10 at least, plea/)
    screen.resize(80, 24)
    await screen.until(/NAME +STATE +PID[^]*\? help/)
  })

  for (const [signal, code] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ['SIGHUP', 129],
  ] as const) {
    it(`gives the terminal back at ${signal}`, async () => {
      const screen = await open()
      for (const pid of pidsOfTop(place)) process.kill(pid, signal)
      await screen.until(new RegExp(`exit code ${code}`))
      assert.deepEqual(screen.flags(), { alternate: false, cursor: true })
      screen.keys('stty -a', 'Enter')
      await screen.until(/[^-]icanon[^]*[^-]echo /)
    })
  }

  it('gives it back for a while by Ctrl-Z, and comes back by fg', async () => {
    const screen = await open()
    screen.keys('C-z')
    await screen.until(/Stopped/)
    assert.deepEqual(screen.flags(), { alternate: false, cursor: true })
    screen.keys('clear; echo shell is here', 'Enter')
    await screen.until(/^shell is here/m)
    screen.keys('fg', 'Enter')
    await screen.until(/▸ echo +● running/)
    assert.deepEqual(screen.flags(), { alternate: true, cursor: false })
    screen.keys('C-c')
    await screen.until(/\$ /)
    assert.deepEqual(screen.flags(), { alternate: false, cursor: true })
  })

  it('gives it back when there is a fault of ours, which is told on the screen that stays', async () => {
    close()
    const screen = new Screen(100, 30, place.env, place.folder)
    screens.push(screen)
    const program = fileURLToPath(new URL('fixtures/throws-on-screen.ts', import.meta.url))
    screen.keys(`clear; '${process.execPath}' --disable-warning=ExperimentalWarning '${program}'; stty -a`, 'Enter')
    await screen.until(/^all is well/)
    assert.deepEqual(screen.flags(), { alternate: true, cursor: false })
    await screen.until(/Error: a fault of ours[^]*[^-]icanon[^]*[^-]echo /)
    assert.deepEqual(screen.flags(), { alternate: false, cursor: true })
  })

  it('may be killed: the fleet goes on', async () => {
    await open()
    const before = await place.json('ps')
    const pids = pidsOfTop(place)
    assert.equal(pids.length, 1)
    for (const pid of pids) process.kill(pid, 'SIGKILL')
    assert.deepEqual(await untilGone(pids), [])
    const now = await place.json('ps')
    assert.deepEqual(pidsOf(now), pidsOf(before))
  })

  it('paints nothing with NO_COLOR, and all of it can be read', async () => {
    close()
    // The painter has said it in the beginning.
    const screen = new Screen(100, 60, { ...place.env, NO_COLOR: '1' }, place.folder)
    screens.push(screen)
    screen.run(['top'])
    await screen.until(/▸ echo +● running[^]*painter \| red same line/)
    assert.ok(!screen.colours())
  })

  it('says when the fleet has ended, keeps what was seen, and goes on when it is back', async () => {
    const screen = await open()
    await place.text('down')
    const away = await screen.until(/✗ not running for \d+m?s; waiting for it/)
    assert.match(away, /▸ echo /)
    assert.match(away, /· was stopped by /)
    screen.keys('r', 'y')
    await screen.until(/No fleet is running/)
    await place.text('up', '-d', '--wait')
    await screen.until(/^pagent top · games +5 running/)
    await screen.until(/▸ echo +● running/)
    screen.keys('q')
    await screen.until(/exit code 0/)
  })
})

describe('pagent top without a terminal', () => {
  const place = new Workplace(CONFIG)
  after(() => place.close())

  it('says what else there is', async () => {
    await place.text('up', '-d', '--wait')
    const { code, stdout, stderr } = await place.run('top')
    assert.equal(code, 2)
    assert.equal(String(stdout), '')
    assert.match(stderr, /^pagent: stdout is no terminal; pagent top --once prints it, pagent ps lists/)
  })

  it('prints a snapshot, or several', async () => {
    const text = await place.text('top', '--once')
    assert.match(text, /^games: 5 running, up \d+.*\ncpu [\d.]+% {2}memory \S+ {2}msg\/s \d+ {2}restarts 0\n\nNAME /)
    assert.ok(!text.includes('\x1b'))
    const twice = await place.text('top', '-n', '2', 'room')
    assert.equal(twice.match(/^games: 2 running/gm)?.length, 2)
    assert.ok(!twice.includes('echo'))
  })

  it('is JSON for programs', async () => {
    const one = JSON.parse(await place.text('top', '--once', '-o', 'json'))
    assert.deepEqual([one.schemaVersion, one.fleet.name, one.workers.length], [1, 'games', 5])
    const lines = (await place.text('top', '-n', '2', '-o', 'jsonl'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.equal(lines.length, 2)
    assert.ok(lines[1].at > lines[0].at)
    const { code, stderr } = await place.run('top', '-n', '2', '-o', 'json')
    assert.equal(code, 2)
    assert.match(stderr, /use -o jsonl/)
  })

  it('goes on as lines until nobody reads them any more', async () => {
    const running = new Cli(['top', '-o', 'jsonl'], place.env, place.folder)
    await running.until('stdout', /^\{.*\n\{.*\n/)
    running.process.stdout?.destroy()
    assert.equal((await running.ended).code, 141)
  })

  it('says who is nobody, and which fleet is none', async () => {
    const { code, stderr } = await place.run('top', '--once', 'ehco')
    assert.equal(code, 4)
    assert.match(stderr, /there is no worker "ehco" in fleet "games". Did you mean echo\?/)
    const none = await cli(['top', '--fleet', 'gmaes'], '', place.env, place.folder)
    assert.equal(none.code, 5)
    assert.match(none.stderr, /fleet "gmaes" is not running. Did you mean games\?/)
  })
})

describe('pagent top in a terminal that nobody reads', { skip: needsPython }, () => {
  it('ends when it is told to, and waits for nobody', async () => {
    const place = new Workplace(CONFIG)
    try {
      await place.text('up', '-d', '--wait')
      const top = [process.execPath, '--disable-warning=ExperimentalWarning', MAIN, 'top', '--fleet', 'games']
      const run = promisify(execFile)
      const program = fileURLToPath(new URL('fixtures/unread-terminal.py', import.meta.url))
      const { stdout } = await run('python3', [program, ...top], {
        cwd: place.folder,
        env: { ...environment(), ...place.env },
      })
      assert.match(stdout, /^it takes nothing\nended by 143\n$/)
    } finally {
      await place.close()
    }
  })
})

describe('pagent top in a terminal that cannot move its cursor', { skip: NEEDS_TMUX }, () => {
  it('says so', async () => {
    const place = new Workplace(CONFIG)
    const screen = new Screen(100, 30, { ...place.env, TERM: 'dumb' }, place.folder)
    try {
      await place.text('up', '-d', '--wait')
      screen.run(['top'])
      await screen.until(/this terminal cannot move its cursor \(TERM=dumb\)[^]*exit code 2/)
    } finally {
      screen.close()
      await place.close()
    }
  })
})

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { after, describe, it } from 'node:test'
import { Screen } from './screen.ts'
import { Workplace } from './workplace.ts'

/** `$$` is a dollar in a configuration. */
const CONFIG = `
name: game
workers:
  ticker: { command: [sh, -c, 'i=0; while :; do i=$$((i+1)); echo tick $$i; sleep 0.2; done', $TOKEN] }
  crasher: { command: [sh, -c, 'read line; echo "$$line" >&2; exit 3', $TOKEN], backoff: { min: 10ms, max: 10ms } }
  echo: { command: [sh, -c, 'while read line; do echo "got $$line"; done', $TOKEN] }
`

describe('a fleet in a terminal', { skip: !existsSync('/usr/bin/tmux') && 'needs tmux: apt-get install tmux' }, () => {
  const opened: { screen: Screen; place?: Workplace }[] = []
  after(async () => {
    for (const { screen } of opened) screen.close()
    for (const { place } of opened) await place?.close()
  })

  function open(
    columns: number,
    rows: number,
    more: Record<string, string> = {},
  ): { place: Workplace; screen: Screen } {
    const place = new Workplace(CONFIG)
    const screen = new Screen(columns, rows, { ...place.env, ...more }, place.folder)
    opened.push({ screen, place })
    return { place, screen }
  }

  /** Another terminal beside it. */
  function beside(place: Workplace, columns: number, rows: number): Screen {
    const screen = new Screen(columns, rows, place.env, place.folder)
    opened.push({ screen })
    return screen
  }

  it('up, ps, logs, crash, restart, change, down: the whole path, in 80 columns', async () => {
    const { place, screen } = open(80, 24)
    screen.run(['up'])
    await screen.until(/ticker +\| tick \d+\n[^]* game · 3 running · \d+s · Ctrl-C stops/)
    const other = beside(place, 80, 24)
    other.run(['ps'])
    const table = await other.until(/exit code 0/)
    assert.match(table, /NAME +STATE +PID +UP +RESTARTS +CPU +MEMORY +LAST EXIT/)
    assert.match(table, /crasher +● running +\d+ +\d+\w* +0 /)
    other.run(['send', 'crasher', 'oops'])
    await other.until(/next: pagent logs crasher · pagent attach crasher\n[^]*exit code 0/)
    await screen.until(/crasher \| oops\n[^]*crasher · exited with code 3[^]*crasher · started with pid/)
    other.run(['ps', 'crasher'])
    await other.until(/crasher +● running +\d+ +\S+ +1 .* exit 3\n[^]*exit code 0/)
    other.run(['logs', 'crasher', '--previous', '-n', '3'])
    await other.until(/crasher \| oops\n[^]*exit code 0/)
    other.run(['status', 'crasher'])
    await other.until(/last exit: exited with code 3 after/)
    place.write('pagent.yaml', CONFIG.replace('echo: ', 'parrot: '))
    other.run(['up'])
    await other.until(/\+ parrot {2}added\n- echo {2}removed\n= 2 unchanged, left alone\n[^]*exit code 0/)
    await screen.until(/ game · 3 running/)
    other.run(['down'])
    await other.until(/fleet "game" is down after [^]*exit code 0/)
    await screen.until(/pagent: fleet "game" is down after .*; nothing is left of it\nexit code 0/)
    assert.deepEqual(screen.flags(), { alternate: false, cursor: true })
  })

  it('Ctrl-C counts down, a second one kills', async () => {
    const { place, screen } = open(100, 24)
    place.write(
      'pagent.yaml',
      `name: deaf
workers:
  deaf: { command: [sh, -c, 'trap "" TERM; echo up; while :; do sleep 1; done', $TOKEN], shutdown: { eof: 0s, grace: 60s } }
`,
    )
    screen.run(['up'])
    await screen.until(/deaf \| up/)
    screen.keys('C-c')
    await screen.until(/pagent: stopping 1 worker, in 1m at most; Ctrl-C again kills them now/)
    await screen.until(/stopping: 1 worker left · killed in (?:59|58|57)s · Ctrl-C again kills now/)
    screen.keys('C-c')
    await screen.until(/pagent: killing 1 worker and everything they started\n[^]*nothing is left of it\nexit code 130/)
  })

  it('Ctrl-C ends it while it starts', async () => {
    const { place, screen } = open(100, 24)
    place.write(
      'pagent.yaml',
      `name: slow\nworkers: { slow: { command: [sh, -c, 'exec sleep 1000', $TOKEN], ready: { line: never }, ready_timeout: 10m } }\n`,
    )
    screen.run(['up'])
    await screen.until(/slow · 1 starting/)
    screen.keys('C-c')
    await screen.until(/nothing is left of it\nexit code 130/)
  })

  it('has no colour with NO_COLOR, and says the same', async () => {
    const { screen } = open(100, 24, { NO_COLOR: '1' })
    screen.run(['up', '-d'])
    await screen.until(
      /fleet "game" is up \(pid \d+\): 3 running\nnext: pagent ps · pagent logs -f · pagent down\nexit code 0/,
    )
    screen.run(['ps'])
    const table = await screen.until(/● running[^]*exit code 0/)
    assert.match(table, /NAME +STATE/)
    assert.ok(!screen.colours(), 'there is no colour')
    screen.run(['down'])
    await screen.until(/is down after [^]*exit code 0/)
  })

  it('attach talks to a worker until Ctrl-D, which leaves it running', async () => {
    const { place, screen } = open(100, 24)
    await place.run('up', '--wait')
    screen.run(['attach', 'echo'])
    await screen.until(/attached to echo \(running\); Ctrl-D leaves it running/)
    screen.keys('hello', 'Enter')
    await screen.until(/got hello/)
    screen.keys('C-d')
    await screen.until(/left echo; it goes on[^]*exit code 0/)
    screen.run(['attach', 'echo'])
    await screen.until(/attached to echo/)
    screen.keys('C-c')
    await screen.until(/left echo; it goes on[^]*exit code 0/)
  })
})

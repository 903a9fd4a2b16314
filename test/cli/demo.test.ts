import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { after, describe, it } from 'node:test'
import { ACTS } from '../../src/cli/demo/acts.ts'
import { BrokenClaim } from '../../src/cli/demo/act.ts'
import { flood } from '../../src/cli/demo/acts/flood.ts'
import { Cli, cli, untilGone } from './cli.ts'
import { Screen } from './screen.ts'
import { ownTime } from '../support/processes.ts'

/** The pids it lists itself, in its act of the orphans. */
const FAMILY = /← a master {2,}([\d ]+)/

describe('pagent demo without a terminal', () => {
  it('keeps every promise within 20 s, names each, and leaves nothing', async () => {
    const ran = ownTime()
    const { code, stdout, stderr } = await cli(['demo'])
    const text = String(stdout)
    assert.equal(code, 0, text)
    assert.equal(stderr, '')
    assert.ok(ran() < 20_000, `it took ${ran()} ms`)
    for (const { title, promise } of ACTS) {
      assert.ok(text.includes(`${title}: ${promise}`), title)
      assert.match(text, new RegExp(`✓ +\\d+ ${title}\n`))
    }
    assert.match(text, /ended by SIGKILL/)
    assert.match(text, /^Left {2}0 of \d+ processes/m)
    assert.match(text, /all 10 promises kept/)
    assert.ok(!text.includes('\x1b'), 'there are no escape codes')
    const family = FAMILY.exec(text)?.[1]?.trim().split(' ').map(Number) ?? []
    assert.ok(family.length >= 2)
    assert.deepEqual(await untilGone(family), [])
  })

  it('says which promise does not hold, and exits with 1', async () => {
    // Without git and the rest on its PATH, nothing but node can be started.
    const { code, stdout } = await cli(['demo'], '', { PATH: '/nowhere' })
    assert.equal(code, 1)
    assert.match(String(stdout), /python3 is not on this machine: skipped/)
    assert.match(String(stdout), /this does not hold: /)
    assert.match(String(stdout), /✗ \d of 10 promises kept; not: /)
    assert.match(String(stdout), /^Left {2}0 of/m)
  })

  it('stops when it is told to, with the code of the signal', async () => {
    const running = new Cli(['demo'])
    await running.until('stdout', /← contentLength/)
    running.process.kill('SIGTERM')
    const { code, stdout } = await running.ended
    assert.equal(code, 143)
    assert.match(String(stdout), /interrupted after/)
    assert.match(String(stdout), /^Left {2}0 of/m)
  })

  it('stops at once when it is told so twice', async () => {
    const running = new Cli(['demo'])
    await running.until('stdout', /→ hanger +hang/)
    running.process.kill('SIGINT')
    running.process.kill('SIGHUP')
    const { code, stdout } = await running.ended
    assert.ok(code === 130 || code === 129, String(code))
    assert.match(String(stdout), /^Left {2}0 of/m)
  })

  it('stops when nobody reads it any more', async () => {
    const running = new Cli(['demo'])
    await running.until('stdout', /✓/)
    running.process.stdout?.destroy()
    assert.equal((await running.ended).code, 1)
  })
})

describe(
  'pagent demo in a terminal',
  { skip: !existsSync('/usr/bin/tmux') && 'needs tmux: apt-get install tmux' },
  () => {
    const screens: Screen[] = []
    after(() => screens.forEach((screen) => screen.close()))
    const open = (columns: number, rows: number): Screen => {
      const screen = new Screen(columns, rows)
      screens.push(screen)
      return screen
    }

    for (const [columns, rows] of [
      [80, 24],
      [120, 40],
    ] as const) {
      it(`fits ${columns} by ${rows}, and gives the screen back at the end`, async () => {
        const screen = open(columns, rows)
        screen.run(['demo'])
        const live = await screen.until(/▸ {2}4 /)
        assert.match(live, /WORKER +STATE +PID +UP +RESTARTS/)
        assert.match(live, /● running +\d+ +[\d.]+s/)
        assert.match(live, /10 Nothing outlives the master/)
        assert.match(live, /Ctrl-C stops everything/)
        assert.deepEqual(screen.flags(), { alternate: true, cursor: false })
        await screen.until(/all 10 promises kept.*\n[^]*exit code 0/)
        assert.deepEqual(screen.flags(), { alternate: false, cursor: true })
      })
    }

    it('ends cleanly by Ctrl-C in the middle', async () => {
      const screen = open(100, 40)
      screen.run(['demo'])
      await screen.until(/▸ {2}5 /)
      screen.keys('C-c')
      const text = await screen.until(/exit code \d+/)
      assert.match(text, /Left {2}0 of \d+ processes/)
      assert.match(text, /interrupted after .* 4 of 10 promises seen/)
      assert.match(text, /exit code 130/)
      assert.deepEqual(screen.flags(), { alternate: false, cursor: true })
    })
  },
)

describe('an act', () => {
  it('does not hold when what it claims is not so', async () => {
    const worker = { receive: async () => undefined, pid: undefined, stop: async () => undefined }
    const stage = { node: async () => worker, hear: async () => undefined, tally: { messages: 0 } }
    await assert.rejects(flood.run(stage as never), BrokenClaim)
  })
})

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { after, describe, it } from 'node:test'
import type { Diagnosis } from '../../src/cli/doctor/examine.ts'
import { hasForkServer } from '../../src/process/fork-server/binary.ts'
import { abilitiesHere } from '../support/trees.ts'
import { Cli, MAIN, cli, environment, fixture } from './cli.ts'
import { Screen } from './screen.ts'

const needsServer = hasForkServer() ? false : 'needs the fork server: npm run build, with a C compiler'
const LIMITS = ['memory', 'cpuTime', 'cpus', 'wallTime', 'idle', 'output', 'processes', 'openFiles', 'fileSize']

/** What `-o json` says, and the exit code. */
async function diagnosed(env: Record<string, string> = {}): Promise<Diagnosis & { code: number | null }> {
  const { code, stdout, stderr } = await cli(['doctor', '-o', 'json'], '', env)
  assert.equal(stderr, '')
  return { ...(JSON.parse(String(stdout)) as Diagnosis), code }
}

async function textOf(env: Record<string, string> = {}): Promise<string> {
  const { stdout } = await cli(['doctor'], '', env)
  const wide = String(stdout)
    .split('\n')
    .filter((line) => line.length > 80)
  assert.deepEqual(wide, [])
  return String(stdout)
}

describe('pagent doctor', () => {
  it('tells of every limit what the launcher in use says, in a table of 80 columns', async () => {
    const { launcher, limits } = await abilitiesHere()
    const text = await textOf()
    assert.match(text, new RegExp(`^Launcher {2}${launcher}: `, 'm'))
    assert.match(text, new RegExp(`✓ ${launcher} started a worker in \\S+, with every limit below`))
    for (const limit of LIMITS) assert.match(text, new RegExp(`^${limit} +\\S+`, 'm'))
    for (const [limit, { enforcedBy, exact }] of Object.entries(limits))
      assert.match(text, new RegExp(`^${limit} .*${enforcedBy} ${exact ? 'exact' : 'watched'} `, 'm'))
    assert.match(text, /^wallTime .*master exact +since its start$/m)
    assert.ok(!text.includes('\x1b'), 'there are no escape codes')
  })

  it('tells the same as one JSON object', async () => {
    const { launcher, limits } = await abilitiesHere()
    const told = await diagnosed()
    assert.equal(told.code, 0)
    assert.equal(told.works, true)
    assert.equal(told.node, process.versions.node)
    assert.equal(told.launcher.name, launcher)
    assert.deepEqual(
      told.limits.map(({ limit }) => limit),
      LIMITS,
    )
    const rows = told.limits.filter((row) => row[told.launcher.name] !== null)
    assert.deepEqual(Object.fromEntries(rows.map((row) => [row.limit, row[told.launcher.name]])), limits)
    assert.ok((told.openFiles.max ?? Infinity) > 0)
  })

  it('says that a variable has chosen the launcher, and what that costs', async () => {
    const told = await diagnosed({ PAGENT_LAUNCHER: 'portable' })
    assert.deepEqual([told.code, told.launcher], [0, { name: 'portable', why: 'PAGENT_LAUNCHER is portable' }])
    if (hasForkServer()) assert.match(told.advice.join(), /unset PAGENT_LAUNCHER/)
  })

  it('refuses a launcher that there is not, in one paragraph, with 2', async () => {
    const { code, stdout, stderr } = await cli(['doctor'], '', { PAGENT_LAUNCHER: 'best' })
    assert.deepEqual([code, String(stdout)], [2, ''])
    assert.match(stderr, /^pagent: Cannot use "best" as PAGENT_LAUNCHER: .*See: pagent doctor --help\n$/)
  })

  it('shows what is watched without control groups, and how to get them back', { skip: needsServer }, async () => {
    const text = await textOf({ PAGENT_LAUNCHER: '', PAGENT_CGROUPS: 'off' })
    assert.match(text, /^memory +sampling watched +– +measured /m)
    assert.match(text, /^cpus +– +– +needs a control group$/m)
    assert.match(text, /^Cgroups +none can be used$/m)
    assert.match(text, /^To get more\n- unset PAGENT_CGROUPS/m)
  })

  it('works without a fork server, and says how to get one', async () => {
    const told = await diagnosed({ PAGENT_LAUNCHER: '', PAGENT_FORK_SERVER: '/nowhere/fork-server' })
    assert.deepEqual([told.code, told.launcher.name, told.launchers['fork-server'].works], [0, 'portable', false])
    assert.match(told.launcher.why, /PAGENT_FORK_SERVER names no program/)
    assert.match(told.advice.join(), /PAGENT_FORK_SERVER/)
  })

  it('gives 1 when the launcher in use cannot start, with its error and the way around', async () => {
    const { code, stdout } = await cli(['doctor'], '', {
      PAGENT_LAUNCHER: 'fork-server',
      PAGENT_FORK_SERVER: '/nowhere/fork-server',
    })
    assert.equal(code, 1)
    assert.match(String(stdout), /✗ fork-server: .*\/nowhere\/fork-server ENOENT/s)
    assert.match(String(stdout), /^- set PAGENT_LAUNCHER=portable/m)
  })

  it('does not wait for ever for a fork server that says nothing', { timeout: 60_000 }, async () => {
    const running = new Cli(['doctor'], { PAGENT_LAUNCHER: '', PAGENT_FORK_SERVER: fixture('mute-server.sh') })
    const [code] = (await once(running.process, 'exit')) as [number]
    assert.equal(code, 1)
    assert.match((await running.ended).stdout.toString(), /✗ fork-server: it gave no answer within 10s/)
  })

  it('says how many workers the open files allow', async () => {
    const script = `ulimit -n 256; exec "$0" --disable-warning=ExperimentalWarning "$1" doctor -o json`
    const { stdout } = spawnSync('sh', ['-c', script, process.execPath, MAIN], { env: environment() })
    const { openFiles, advice } = JSON.parse(String(stdout)) as Diagnosis
    assert.deepEqual(openFiles, { max: 256, workers: { 'fork-server': 156, portable: 52 } })
    assert.match(advice.join(), /raise the hard limit of open files/)
  })
})

describe(
  'pagent doctor in a terminal',
  { skip: !existsSync('/usr/bin/tmux') && 'needs tmux: apt-get install tmux' },
  () => {
    const screen = new Screen(80, 40)
    after(() => screen.close())

    it('fits 80 columns', async () => {
      screen.run(['doctor'])
      const text = await screen.until(/exit code \d+/)
      assert.match(text, /^pagent [\d.]+, Node/m)
      assert.match(text, /^LIMIT +FORK-SERVER +PORTABLE +NOTE$/m)
      assert.match(text, /exit code 0/)
    })
  },
)

import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { needsPython } from '../support/compile.ts'
import { abilitiesHere } from '../support/trees.ts'
import { Cli, cli, untilGone } from './cli.ts'

const folder = mkdtempSync(join(tmpdir(), 'pagent-cli-limits-test-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const { limits: abilities } = await abilitiesHere()
const needsServer = abilities.memory === undefined && 'needs the fork server: npm run build, with a C compiler'
const needsCpus = abilities.cpus === undefined ? 'needs a control group for CPUs: see pagent doctor' : needsServer
/** What enforces it here is what the paragraph must name. */
const by = (limit: keyof typeof abilities): string => `\\(${abilities[limit]?.enforcedBy}, (not )?exact\\)`

const WASTEFUL = 'x = [b"x" * (8 << 20) for _ in range(64)]; import time; time.sleep(60)'

interface Case {
  readonly options: readonly string[]
  readonly program: readonly string[]
  readonly code: number
  /** The paragraph, from the reason on. */
  readonly told: string
  readonly skip?: string | false
}

const ends: Record<string, Case> = {
  memory: {
    options: ['--memory', '64MiB'],
    program: ['python3', '-c', WASTEFUL],
    code: 137,
    told: `its --memory is 64MiB\\. It had come to \\S+MiB of memory; .*${by('memory')}\\. .*: --memory 128MiB`,
    skip: needsServer || needsPython,
  },
  'CPU time': {
    options: ['--cpu-time', '200ms'],
    program: ['sh', '-c', 'while :; do :; done'],
    code: 124,
    told: `its --cpu-time is 200ms\\. It had used \\S+ of CPU time; .*${by('cpuTime')}\\. .*: --cpu-time 400ms`,
    skip: needsServer,
  },
  processes: {
    options: ['--processes', '4'],
    program: ['sh', '-c', 'exec 2>&-; for i in 1 2 3 4 5 6 7 8; do sleep 60 & done; wait'],
    code: 137,
    told: `its --processes is 4\\. It had come to \\d+ processes; .*${by('processes')}\\. .*: --processes 8`,
    skip: needsServer,
  },
  'a file': {
    options: ['--file-size', '64KiB'],
    program: ['dd', 'if=/dev/zero', `of=${join(folder, 'large')}`, 'bs=4096', 'count=64', 'status=none'],
    code: 137,
    told: `its --file-size is 64KiB\\. It wanted more than 64KiB in a file; .*${by('fileSize')}\\. .*: --file-size 128KiB`,
    skip: needsServer,
  },
  output: {
    options: ['--output-limit', '1MiB'],
    program: ['yes'],
    code: 137,
    told: 'its --output-limit is 1MiB\\. It had written \\S+MiB; .*\\(master, exact\\)\\. .*: --output-limit 2MiB',
  },
  silence: {
    options: ['--idle', '300ms'],
    program: ['sh', '-c', 'echo one; echo two >&2; exec sleep 60'],
    code: 124,
    told: 'its --idle is 300ms\\. It had written nothing for \\S+; .*\\(master, exact\\)\\. .*: --idle 600ms',
  },
  time: {
    options: ['--wall-time', '1.5s'],
    program: ['sleep', '60'],
    code: 124,
    told: 'its --wall-time is 1\\.5s\\. It had run for \\S+; .*\\(master, exact\\)\\. .*: --wall-time 3s',
  },
}

describe('pagent run: the limits', () => {
  for (const [what, { options, program, code, told, skip = false }] of Object.entries(ends)) {
    it(`ends what goes beyond its limit of ${what} with ${code}, and says why and what to do`, { skip }, async () => {
      const ended = await cli(['run', ...options, '--', ...program])
      assert.equal(ended.code, code, ended.stderr)
      assert.match(ended.stderr, new RegExp(`^pagent: .*was ended after \\S+, because ${told}\n$`, 'm'))
    })
  }

  it('leaves alone what stays within all of them', { skip: needsServer }, async () => {
    const within = '--memory 256MiB --cpu-time 10s --processes 32 --open-files 256 --file-size 1GiB --output-limit 1MiB'
    const all = [...within.split(' '), '--idle', '60s', '--wall-time', '10m']
    const { code, stdout, stderr } = await cli(['run', ...all, '--', 'sh', '-c', 'ulimit -n; cat; exit 3'], 'hello')
    assert.deepEqual([code, String(stdout)], [3, '256\nhello'])
    assert.match(stderr, /with code 3/)
  })

  it('slows down what would keep a CPU busy, and does not end it', { skip: needsCpus || needsPython }, async () => {
    const script =
      'import time\nuntil = time.monotonic() + 1.5\nwhile time.monotonic() < until: pass\nprint(time.process_time())'
    const { code, stdout, stderr } = await cli(['run', '--cpus', '0.2', '--', 'python3', '-c', script])
    assert.deepEqual([code, stderr], [0, ''])
    assert.ok(Number(String(stdout)) < 0.8, `it used ${String(stdout)} s of CPU in 1.5 s`)
  })

  it('makes the opening of a file fail, and does not end it', { skip: needsServer || needsPython }, async () => {
    const script =
      'files = []\ntry:\n  while True: files.append(open("/dev/null"))\nexcept OSError as e: print(e.strerror)'
    const { code, stdout } = await cli(['run', '--open-files', '64', '--', 'python3', '-c', script])
    assert.deepEqual([code, String(stdout)], [0, 'Too many open files\n'])
  })

  it('passes output on, byte for byte, when it must be heard', async () => {
    const bytes = Buffer.from([0, 255, 10, 13, 195, 40, 0])
    const { code, stdout, stderr } = await cli(['run', '--idle', '60s', '--output-limit', '1MiB', '--', 'cat'], bytes)
    assert.deepEqual([code, stderr], [0, ''])
    assert.ok(stdout.equals(bytes))
  })

  it('ends everything it had started', { skip: needsServer }, async () => {
    const script = 'sleep 60 & setsid sleep 60 & echo $! $$; while :; do :; done'
    const running = new Cli(['run', '--cpu-time', '300ms', '--', 'sh', '-c', script])
    const [, ...pids] = await running.until('stdout', /(\d+) (\d+)/)
    assert.equal((await running.ended).code, 124)
    assert.deepEqual(await untilGone(pids.map(Number)), [])
  })

  it('starts again what was ended at a limit, in words of the command line', async () => {
    const options = ['--idle', '200ms', '--restart', 'on-failure', '--max-restarts', '1/1m']
    const { code, stderr } = await cli(['run', ...options, '--', 'sleep', '60'])
    assert.equal(code, 124)
    assert.match(stderr, /^pagent: "sleep 60" was ended after \S+, because its --idle is 200ms; restart 1 in /)
    assert.match(stderr, /ended 2 times .* because its --idle is 200ms\./)
  })

  it('gives the limits back in the command it suggests', { skip: needsServer }, async () => {
    const { stderr } = await cli(['run', '--memory', '1.5GiB', '--open-files', '99', '--', 'sh', '-c', 'exit 3'])
    assert.match(stderr, /: pagent run --restart on-failure --memory 1536MiB --open-files 99 -- sh -c 'exit 3'\n$/)
  })
})

describe('pagent run: limits that cannot be', () => {
  refused('--memory 64MiB', { PAGENT_LAUNCHER: 'portable' }, false)
  refused('--processes 10', { PAGENT_LAUNCHER: 'portable' }, false)
  refused('--cpus 0.5', { PAGENT_CGROUPS: 'off' }, needsServer)

  const misuse: [string, string, RegExp][] = [
    ['--memory', '256', /Say the unit: 256MiB or 256B\./],
    ['--memory', 'lots', /Expected a size such as '64KiB'/],
    ['--output-limit', '0B', /Expected more than 0; leave it out for no limit/],
    ['--cpu-time', '10', /Say the unit: 10s or 10ms/],
    ['--cpus', 'half', /Expected a number such as 0\.5 or 2/],
    ['--cpus', '0', /Expected a number such as 0\.5 or 2/],
    ['--processes', '1.5', /Expected a whole number from 1/],
    ['--open-files', '0', /Expected a whole number from 1/],
    ['--memory', '100B', /Cannot use 100 as limits\.memory: expected at least 4096/],
  ]
  for (const [option, value, expected] of misuse) {
    it(`refuses ${option} ${value}`, async () => {
      const { code, stdout, stderr } = await cli(['run', option, value, '--', 'true'])
      assert.deepEqual([code, String(stdout)], [2, ''])
      assert.match(stderr, expected)
      assert.match(stderr, /^pagent: .*See: pagent run --help\n$/)
    })
  }

  it('names every limit in its help, in 80 columns', async () => {
    const lines = String((await cli(['run', '--help'])).stdout).split('\n')
    assert.deepEqual(
      lines.filter((line) => line.length > 80),
      [],
    )
    for (const { options } of Object.values(ends))
      assert.ok(
        lines.some((line) => line.startsWith(`  ${options[0]} `)),
        options[0],
      )
  })
})

function refused(limit: string, env: Record<string, string>, skip: string | false): void {
  it(`refuses ${limit} with ${JSON.stringify(env)}, in one paragraph, with 2`, { skip }, async () => {
    const file = join(folder, 'was-run')
    const { code, stdout, stderr } = await cli(['run', ...limit.split(' '), '--', 'touch', file], '', env)
    assert.deepEqual([code, String(stdout)], [2, ''])
    assert.match(
      stderr,
      /^pagent: cannot run "touch .*" with --\w+: the launcher .* cannot enforce it here.*pagent doctor\n$/,
    )
    assert.ok(stderr.includes(`with ${limit.split(' ')[0]}: `))
    assert.ok(!existsSync(file), 'it was not started')
  })
}

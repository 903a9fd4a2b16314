import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { Cli, MAIN, cli, environment, fixture, lives, untilGone, untilStill, writtenBy } from './cli.ts'

const folder = mkdtempSync(join(tmpdir(), 'pagent-cli-test-'))
after(() => rmSync(folder, { recursive: true, force: true }))

describe('pagent run: the streams', () => {
  for (const [how, options] of [
    ['inherited', []],
    ['watched for --ready', ['--ready', 'never there', '--ready-timeout', '60s']],
  ] as const) {
    it(`passes 1 MB of random bytes from stdin to stdout unchanged, ${how}`, async () => {
      const bytes = randomBytes(2 ** 20)
      const { stdout, stderr } = await cli(['run', ...options, '--', 'cat'], bytes)
      assert.ok(stdout.equals(bytes), `${stdout.length} bytes came back`)
      if (how === 'inherited') assert.equal(stderr, '')
    })
  }

  it('passes stderr on unchanged when it is watched, what is not UTF-8 and the unfinished line too', async () => {
    const script = String.raw`printf 'ready\n\377\376\n' >&2; printf 'half' >&2`
    const running = new Cli(['run', '--ready', 'ready', '--', 'sh', '-c', script])
    const stderr: Buffer[] = []
    running.process.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk))
    assert.equal((await running.ended).code, 0)
    assert.deepEqual(Buffer.concat(stderr), Buffer.from('ready\n\xff\xfe\nhalf', 'latin1'))
  })

  it('keeps the pace of a reader that stands still, and loses nothing', async () => {
    const running = new Cli(['run', '--ready', 'ready', '--', process.execPath, fixture('flood.mjs')])
    running.process.stdout?.pause()
    const [, pid] = await running.until('stderr', /ready (\d+)/)
    const written = await untilStill(() => writtenBy(Number(pid)))
    assert.ok(written < 4 * 2 ** 20, `${written} bytes were taken while nobody read`)
    running.process.stdout?.resume()
    const { code, stdout } = await running.ended
    assert.deepEqual([code, stdout.length], [0, 16 * 2 ** 20])
  })
})

describe('pagent run: the end', () => {
  it('ends as the program does, and says nothing when that is well', async () => {
    const { code, stdout, stderr } = await cli(['run', '--', 'echo', 'a', '--', '--restart', 'b'])
    assert.deepEqual([code, String(stdout), stderr], [0, 'a -- --restart b\n', ''])
  })

  it('gives its exit code, and explains it', async () => {
    const { code, stderr } = await cli(['run', '--', 'sh', '-c', 'exit 3'])
    assert.equal(code, 3)
    assert.match(
      stderr,
      /^pagent: "sh -c exit 3" \(pid \d+\) exited with code 3 after \S+\. .*: pagent run --restart on-failure -- sh -c 'exit 3'\n$/,
    )
  })

  it('gives 128+n for a signal, and says whose it may be', async () => {
    const { code, stderr } = await cli(['run', '--', 'sh', '-c', 'kill -KILL $$'])
    assert.equal(code, 137)
    assert.match(stderr, /was killed by SIGKILL after .* out of memory.*\n$/)
  })

  it('gives 127 and says where it looked for what is not there', async () => {
    const { code, stderr } = await cli(['run', '--', 'no-such-program'])
    assert.equal(code, 127)
    assert.match(
      stderr,
      /^pagent: cannot run no-such-program: there is no program no-such-program on the PATH .*spelling.*\n$/,
    )
  })

  it('gives 126 for what is there and cannot be run', async () => {
    const { code, stderr } = await cli(['run', '--', fixture('polite.mjs')])
    assert.equal(code, 126)
    assert.match(stderr, /^pagent: cannot run .*polite\.mjs: .* is not executable; .*chmod \+x.*\n$/)
  })

  it('gives 124 when its time is up', async () => {
    const { code, stderr } = await cli(['run', '--wall-time', '300ms', '--', 'sleep', '1000'])
    assert.equal(code, 124)
    assert.match(stderr, /^pagent: "sleep 1000" \(pid \d+\) was ended after .*--wall-time is 300ms\..*\n$/)
  })

  for (const options of ['', '--ready y --restart on-failure ']) {
    it(`says nothing when its reader has left, as pipelines do: ${options}`, async () => {
      const main = `"${process.execPath}" --disable-warning=ExperimentalWarning "${MAIN}"`
      const script = `{ ${main} run ${options}-- yes | head -1; echo "\${PIPESTATUS[0]}"; } 2>&1`
      const { stdout } = spawnSync('bash', ['-c', script], { env: environment() })
      assert.equal(String(stdout), 'y\n141\n')
    })
  }
})

describe('pagent run: the options', () => {
  const misuse: [string, string[], RegExp][] = [
    ['no command', ['run'], /no program to run; name it behind --/],
    [
      'an unknown option',
      ['run', '--restrat', 'no', '--', 'true'],
      /unknown option '--restrat' \(Did you mean --restart\?\)/,
    ],
    ['an unknown command', ['rum'], /unknown command 'rum' \(Did you mean run\?\)/],
    ['a duration that is none', ['run', '--grace', 'soon', '--', 'true'], /--grace.*'soon'.*'500ms', '10s'/],
    ['a duration without a unit', ['run', '--wall-time', '10', '--', 'true'], /Say the unit: 10s or 10ms/],
    ['a restart that is none', ['run', '--restart', 'often', '--', 'true'], /Expected no, on-failure or always/],
    ['a variable without a value', ['run', '-e', 'HOME', '--', 'true'], /Expected KEY=VALUE/],
    ['a broken expression', ['run', '--ready', '(', '--', 'true'], /Not a regular expression/],
    [
      'a number of restarts without a time',
      ['run', '--restart', 'always', '--max-restarts', '5', '--', 'true'],
      /such as 5\/1m/,
    ],
    ['a directory that is not there', ['run', '--cwd', '/no/such', '--', 'true'], /'\/no\/such'.*no such directory/],
    ['too many arguments', ['demo', 'twice'], /too many arguments for 'demo'/],
    ['an empty command', ['run', '--', ''], /^pagent: the program's name is empty; name it behind --\. See/],
    ['no time at all', ['run', '--wall-time', '0', '--', 'true'], /Expected more than 0; leave it out for no limit\./],
    ['no seconds at all', ['run', '--wall-time', '0s', '--', 'true'], /Expected more than 0; leave it out/],
    [
      'a number of restarts for what is not restarted',
      ['run', '--max-restarts', '3/5s', '--', 'true'],
      /--max-restarts needs --restart on-failure or always\./,
    ],
    [
      'a time to be ready without a sign',
      ['run', '--ready-timeout', '30s', '--', 'true'],
      /--ready-timeout needs --ready\./,
    ],
  ]
  for (const [what, args, expected] of misuse) {
    it(`refuses ${what} in one paragraph, with 2`, async () => {
      const { code, stdout, stderr } = await cli(args)
      assert.deepEqual([code, String(stdout)], [2, ''])
      assert.match(stderr, expected)
      assert.match(stderr, /^pagent: .*See: pagent (run |demo )?--help\n$/)
    })
  }

  it('sets the directory and the environment', async () => {
    const { stdout } = await cli([
      'run',
      '--cwd',
      folder,
      '-e',
      'A=1',
      '--env',
      'B=x=y',
      '--',
      'sh',
      '-c',
      'pwd; echo $A $B',
    ])
    assert.equal(String(stdout), `${folder}\n1 x=y\n`)
  })

  it('starts again what failed, one line for each time, until it ends well', async () => {
    const { code, stdout, stderr } = await cli([
      'run',
      '--restart',
      'on-failure',
      '--',
      fixture('second-life.sh'),
      join(folder, 'lives'),
    ])
    assert.equal(code, 0)
    assert.equal(String(stdout), 'life 1\nlife 2\nlife 3\n')
    assert.deepEqual(stderr.match(/^pagent: .* exited with code 9 after \S+; restart \d in \S+$/gm)?.length, 2)
    assert.equal(stderr.trim().split('\n').length, 2)
  })

  it('starts again what ended well too, with always, and gives up past the number', async () => {
    const { code, stdout, stderr } = await cli([
      'run',
      '--restart',
      'permanent',
      '--max-restarts',
      '2/1m',
      '--',
      'echo',
      'x',
    ])
    assert.deepEqual([code, String(stdout)], [1, 'x\nx\nx\n'])
    assert.match(stderr, /"echo x" ended 3 times within 1m, and --max-restarts allows 2 .*leave --restart always out/)
  })

  it('says nothing but its restarts, however often it restarts', async () => {
    const many = ['--restart', 'always', '--ready', 'x', '--max-restarts', '12/1h', '--', 'sh', '-c', 'echo x']
    const running = new Cli(['run', ...many])
    await running.until('stderr', /restart 12 in/)
    running.process.kill('SIGTERM')
    const { stderr } = await running.ended
    assert.match(stderr, /^(pagent: .*; restart \d+ in .*\n)+$/)
  })

  it('is ready when a line of stdout or stderr matches, and restarts only from then on', async () => {
    const script = 'echo listening on 80 >&2; exit 4'
    const { code, stderr } = await cli([
      'run',
      '--ready',
      'listening on \\d+',
      '--restart',
      'on-failure',
      '--max-restarts',
      '1/1m',
      '--',
      'sh',
      '-c',
      script,
    ])
    assert.equal(code, 4)
    assert.equal(stderr.match(/^listening on 80/gm)?.length, 2)
    assert.match(stderr, /; restart 1 in /)
  })

  it('ends what is not ready in time, with 124', async () => {
    const { code, stderr } = await cli(['run', '--ready', 'up', '--ready-timeout', '200ms', '--', 'sleep', '1000'])
    assert.equal(code, 124)
    assert.match(stderr, /no line of its output matched --ready \/up\/ within 200ms.*--ready-timeout/)
  })
})

describe('pagent run: signals', () => {
  for (const [signal, code] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ['SIGHUP', 129],
  ] as const) {
    it(`passes ${signal} on, and ends with ${code} when the program died of it`, async () => {
      const running = new Cli(['run', '--', 'sh', '-c', 'echo up $$; exec sleep 1000'])
      const [, pid] = await running.until('stdout', /up (\d+)/)
      running.process.kill(signal)
      const ended = await running.ended
      assert.deepEqual([ended.code, ended.stderr], [code, ''])
      assert.deepEqual(await untilGone([Number(pid)]), [])
    })
  }

  it('ends as the program does when it deals with the signal', async () => {
    const running = new Cli(['run', '--', process.execPath, fixture('polite.mjs')])
    await running.until('stdout', /polite/)
    running.process.kill('SIGTERM')
    const { code, stdout, stderr } = await running.ended
    assert.deepEqual([code, stderr], [7, ''])
    assert.match(String(stdout), /got SIGTERM/)
  })

  it('kills what does not go within the grace, says so before and after', async () => {
    const running = new Cli(['run', '--grace', '900ms', '--', process.execPath, fixture('stubborn.mjs')])
    const [, pid] = await running.until('stdout', /stubborn (\d+)/)
    running.process.kill('SIGTERM')
    await running.until(
      'stderr',
      /got SIGTERM and is still running; it is killed in 400ms, or at once by a second signal/,
    )
    const { code, stderr } = await running.ended
    assert.equal(code, 137)
    assert.match(stderr, /did not end when it was asked to, and was killed after .*--grace\.\n$/)
    assert.deepEqual(await untilGone([Number(pid)]), [])
  })

  it('kills at once on the second signal', async () => {
    const running = new Cli(['run', '--grace', '10m', '--', process.execPath, fixture('stubborn.mjs')])
    const [, pid] = await running.until('stdout', /stubborn (\d+)/)
    running.process.kill('SIGINT')
    await running.until('stdout', /got SIGINT/)
    running.process.kill('SIGINT')
    const { code, stderr } = await running.ended
    assert.equal(code, 137)
    assert.match(stderr, /^pagent: killing .* and everything it started\n$/)
    assert.deepEqual(await untilGone([Number(pid)]), [])
  })

  it('ends between two lives as well', async () => {
    const running = new Cli(['run', '--restart', 'always', '--max-restarts', '1000/1s', '--', 'sh', '-c', 'exit 5'])
    await running.until('stderr', /restart 2 in/)
    running.process.kill('SIGTERM')
    const { code, stderr } = await running.ended
    assert.ok(code === 5 || code === 143, String(code))
    assert.match(stderr, /^(pagent: .*; restart \d+ in .*\n)+$/)
  })

  it('passes signals that mean something to the program on', async () => {
    const running = new Cli([
      'run',
      '--',
      'bash',
      '-c',
      'trap "echo reload" USR2; trap "exit 0" TERM; echo up; while :; do sleep 0.05; done',
    ])
    await running.until('stdout', /up/)
    running.process.kill('SIGUSR2')
    // A signal of the group ends the shell's sleep too; the shell goes on.
    await running.until('stdout', /reload/)
    running.process.kill('SIGTERM')
    assert.ok((await running.ended).code !== null)
  })

  it('leaves nothing behind when it is killed itself, not even what left the session', async () => {
    const running = new Cli(['run', '--', 'sh', fixture('family.sh'), join(folder, 'family')])
    const [, list = ''] = await running.until('stdout', /family ([\d ]+)/)
    const pids = list.trim().split(' ').map(Number)
    assert.equal(pids.length, 5)
    assert.deepEqual(
      pids.filter((pid) => !lives(pid)),
      [],
    )
    running.process.kill('SIGKILL')
    assert.deepEqual(await untilGone(pids), [])
  })
})

describe('pagent: its own face', () => {
  it('writes no escape codes without a terminal, or with NO_COLOR', async () => {
    for (const env of [{}, { NO_COLOR: '1' }, { NO_COLOR: '1', FORCE_COLOR: '1' }]) {
      const { stdout, stderr } = await cli(['run', '--', 'sh', '-c', 'exit 3'], '', env)
      assert.ok(!`${String(stdout)}${stderr}`.includes('\x1b'))
    }
  })

  it('shows its help and version on stdout, and its help on stderr with 2 when asked for nothing', async () => {
    assert.match(String((await cli(['--version'])).stdout), /^\d+\.\d+\.\d+\n$/)
    const help = await cli(['run', '--help'])
    assert.equal(help.code, 0)
    const lines = String(help.stdout).split('\n')
    assert.deepEqual(
      lines.filter((line) => line.length > 80),
      [],
    )
    for (const option of ['--restart', '--max-restarts', '--ready', '--grace', '--wall-time', '--cwd', '--env']) {
      assert.ok(String(help.stdout).includes(option), option)
    }
    const nothing = await cli([])
    assert.deepEqual([nothing.code, String(nothing.stdout)], [2, ''])
    assert.match(nothing.stderr, /Usage: pagent/)
  })
})

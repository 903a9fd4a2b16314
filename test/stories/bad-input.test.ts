import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { describe, test } from 'node:test'
import { Master, json, lines, portable } from '../../src/index.ts'
import { story } from '../support/story.ts'

/** What is given to `start`, and what must be said about it. */
const REFUSED: readonly { title: string; start: readonly any[]; code?: string; name?: string; says: RegExp }[] = [
  {
    title: 'an empty command',
    start: [''],
    name: 'TypeError',
    says: /the command is empty; give the name or the path/,
  },
  { title: 'a command that is no text', start: [42], name: 'TypeError', says: /the command must be text, not number/ },
  { title: 'NUL in the command', start: ['ca\0t'], name: 'TypeError', says: /the command contains a NUL/ },
  { title: 'NUL in an argument', start: ['cat', ['a', 'b\0']], name: 'TypeError', says: /argument 2 contains a NUL/ },
  {
    title: 'an argument that is no text',
    start: ['cat', [1]],
    name: 'TypeError',
    says: /argument 1 must be text, not number/,
  },
  {
    title: 'options where the arguments belong',
    start: ['cat', {}],
    name: 'TypeError',
    says: /arguments must be an array of text/,
  },
  {
    title: 'NUL in the environment',
    start: ['cat', [], { env: { A: '\0' } }],
    name: 'TypeError',
    says: /variable A contains a NUL/,
  },
  {
    title: 'a variable name with =',
    start: ['cat', [], { env: { 'A=B': '' } }],
    name: 'TypeError',
    says: /"A=B" cannot be the name/,
  },
  {
    title: 'variables as a list',
    start: ['cat', [], { env: ['A=5'] }],
    name: 'TypeError',
    says: /^Cannot start worker "w": env must be an object such as \{ NAME: 'value' \}, not an array$/,
  },
  {
    title: 'a directory that is no text',
    start: ['cat', [], { cwd: 5 }],
    name: 'TypeError',
    says: /^Cannot start worker "w": cwd must be text, not number$/,
  },
  {
    title: 'a directory on the web',
    start: ['cat', [], { cwd: new URL('http://localhost/') }],
    name: 'TypeError',
    says: /^Cannot start worker "w": cwd must be a path or a file: URL, not http:/,
  },
  {
    title: 'options that are none',
    start: ['cat', [], null],
    name: 'TypeError',
    says: /^Cannot start worker "w": expected an object, not null$/,
  },
  {
    title: 'a launcher by its name',
    start: ['cat', [], { launcher: 'portable' }],
    name: 'TypeError',
    says: /^Cannot start worker "w": launcher must be a launcher, such as portable\(\) with the parentheses$/,
  },
  {
    title: 'a name to inherit that is no list',
    start: ['cat', [], { inheritEnv: 'PATH' as never }],
    name: 'TypeError',
    says: /inheritEnv must be an array of names, not string/,
  },
  {
    title: 'an option that does not exist',
    start: ['cat', [], { onLine() {} }],
    name: 'TypeError',
    says: /no option "onLine"; there are .*onMessage/,
  },
  {
    title: 'a framing without its parentheses',
    start: ['cat', [], { framing: json }],
    name: 'TypeError',
    says: /with the parentheses/,
  },
  {
    title: 'garbage in ready',
    start: ['cat', [], { ready: 42 }],
    name: 'TypeError',
    says: /ready cannot be 42; expected 'spawn'/,
  },
  {
    title: 'readiness that can never come',
    start: ['cat', [], { stdout: 'ignore', ready: 'first-message' }],
    name: 'TypeError',
    says: /can never come true/,
  },
  {
    title: 'garbage in readyTimeout',
    start: ['cat', [], { readyTimeout: 'soon' }],
    name: 'RangeError',
    says: /Cannot use "soon" as readyTimeout: expected a duration/,
  },
  {
    title: 'garbage in restart',
    start: ['cat', [], { restart: 'always' }],
    name: 'TypeError',
    says: /"always" as restart: expected 'permanent'/,
  },
  {
    title: 'a negative wait',
    start: ['cat', [], { backoff: { min: -1, max: 1 } }],
    name: 'RangeError',
    says: /-1 as backoff.min/,
  },
  {
    title: 'an option of the shutdown that does not exist',
    start: ['cat', [], { shutdown: { gracee: 1 } }],
    name: 'TypeError',
    says: /no option "gracee"; there are farewell, eof, killSignal, grace/,
  },
  {
    title: 'a stream that is neither',
    start: ['cat', [], { stderr: 'pipe' }],
    name: 'TypeError',
    says: /stderr cannot be "pipe"; expected 'tail' or 'inherit' or 'ignore'/,
  },
  {
    title: 'a listener for a stream that is not read',
    start: ['cat', [], { stderr: 'inherit', onStderr() {} }],
    name: 'TypeError',
    says: /onStderr gets nothing with stderr 'inherit'; leave one out/,
  },
  {
    title: 'a signal that does not exist',
    start: ['cat', [], { shutdown: { killSignal: 'SIGNOPE' } }],
    name: 'TypeError',
    says: /"SIGNOPE" as shutdown.killSignal: expected a signal/,
  },
  {
    title: 'a callback that is no function',
    start: ['cat', [], { onMessage: 'x' }],
    name: 'TypeError',
    says: /onMessage must be a function/,
  },
  {
    title: 'a program that is not on the PATH',
    start: ['no-such-program'],
    code: 'ERR_PAGENT_SPAWN',
    says: /no program no-such-program on the PATH \(/,
  },
  {
    title: 'a missing file',
    start: ['./nope', [], { cwd: '/usr' }],
    code: 'ERR_PAGENT_SPAWN',
    says: /\.\/nope \(\/usr\/nope\) does not exist \(cwd \/usr is there\)/,
  },
  {
    title: 'a missing directory',
    start: ['cat', [], { cwd: '/no/such' }],
    code: 'ERR_PAGENT_SPAWN',
    says: /the directory \/no\/such \(cwd\) does not exist/,
  },
  {
    title: 'a directory that is a file',
    start: ['cat', [], { cwd: '/etc/passwd' }],
    code: 'ERR_PAGENT_SPAWN',
    says: /\/etc\/passwd \(cwd\) is not a directory/,
  },
  {
    title: 'a file without permission',
    start: ['/etc/passwd'],
    code: 'ERR_PAGENT_SPAWN',
    says: /\/etc\/passwd is not executable; allow it with chmod/,
  },
  {
    title: 'a directory as program',
    start: ['/usr'],
    code: 'ERR_PAGENT_SPAWN',
    says: /\/usr is a directory, not a program/,
  },
]

void describe('bad input is a clear error, and nothing is lost', () => {
  for (const { title, start, code, name, says } of REFUSED) {
    story(title, async (master) => {
      const worker = master.getWorker('w')
      await assert.rejects(worker.start(...(start as [string])), (error: any) => {
        assert.match(error.message, says)
        if (code !== undefined) assert.equal(error.code, code)
        if (name !== undefined) assert.equal(error.name, name)
        return true
      })
      // The worker is as good as new.
      await worker.start('cat')
      await worker.send('still here')
      assert.equal(await worker.receive(), 'still here')
    })
  }

  story('a script whose interpreter is missing', async (master) => {
    const folder = await mkdtemp(`${tmpdir()}/pagent-test-`)
    await writeFile(`${folder}/lost`, '#!/no/such/interpreter\n')
    await chmod(`${folder}/lost`, 0o755)
    const worker = master.getWorker('w')
    await assert.rejects(
      worker.start(`${folder}/lost`),
      /lost is there, but the interpreter its first line names is not/,
    )
    await rm(folder, { recursive: true })
  })

  story('an unknown name', async (master) => {
    master.getWorker('known')
    await assert.rejects(master.delWorker('other'), {
      code: 'ERR_PAGENT_UNKNOWN_WORKER',
      message: 'Cannot delete worker "other": there is no worker of that name (known: known)',
    })
  })

  story('start twice leaves the first process alone', async (master) => {
    const worker = await master.getWorker('w').start('cat')
    const { pid } = worker
    await assert.rejects(worker.start('cat'), {
      code: 'ERR_PAGENT_ALREADY_STARTED',
      message: `Cannot start worker "w": it is running (pid ${pid}); stop() it first, or restart() it`,
    })
    await worker.send('mine')
    assert.equal(await worker.receive(), 'mine')
    assert.equal(worker.pid, pid)
  })

  story('sending to a worker that was not started, has ended, or has had its stdin ended', async (master) => {
    const worker = master.getWorker('w')
    await assert.rejects(worker.send('x'), {
      code: 'ERR_PAGENT_CLOSED',
      message: /it was not started; start\(\) it first/,
    })
    await worker.start('cat')
    await worker.end()
    await assert.rejects(worker.send('x'), { code: 'ERR_PAGENT_CLOSED', message: /its input was ended/ })
    await worker.exited
    await assert.rejects(worker.send('x'), {
      code: 'ERR_PAGENT_CLOSED',
      message: /it (has ended|does not read any more)/,
    })
  })

  story('waiting for a worker that nobody starts', async (master) => {
    const worker = master.getWorker('mistyped')
    const message = 'Cannot wait for worker "mistyped": it was not started; start() it first'
    await assert.rejects(worker.ready(), { code: 'ERR_PAGENT_CLOSED', message })
    const started = worker.start('cat')
    await worker.ready()
    assert.equal(worker.state, 'running')
    await started
    const other = master.getWorker('other')
    await master.delWorker('other')
    await assert.rejects(other.ready(), { code: 'ERR_PAGENT_CLOSED' })
  })

  story('a signal that does not exist, at any time of a life', async (master) => {
    const worker = master.getWorker('w')
    const says = /^TypeError: Cannot use ("TERM"|15|null) as the signal to kill worker "w" with: expected a signal/
    const refused = (): void => {
      for (const signal of ['TERM', 15, null]) assert.throws(() => worker.kill(signal as never), says)
    }
    refused()
    const started = worker.start('cat')
    refused()
    await started
    refused()
    await worker.send('still here')
    assert.equal(await worker.receive(), 'still here')
  })

  story('a message that the framing cannot carry is refused; the next one passes', async (master) => {
    const worker = await master.getWorker('w').start('cat', [], { framing: json() })
    const cyclic: { self?: unknown } = {}
    cyclic.self = cyclic
    await assert.rejects(worker.send(cyclic), {
      code: 'ERR_PAGENT_FRAMING',
      message: /Cannot send to worker "w": .*JSON/,
    })
    await assert.rejects(worker.send(undefined), { code: 'ERR_PAGENT_FRAMING' })
    await worker.send({ fine: true })
    assert.deepEqual(await worker.receive(), { fine: true })
  })

  story('a line with a newline inside is refused, because it would be two', async (master) => {
    const worker = await master.getWorker('w').start('cat')
    await assert.rejects(worker.send('a\nb'), /must not contain a newline \(found at 1\); send each line by itself/)
    await assert.rejects(worker.send('a\n'), /must not end with a newline; lines\(\) adds it/)
  })

  story('receive with options that cannot be, also while it starts', async (master) => {
    const worker = master.getWorker('w')
    const refused = (): Promise<void> =>
      assert.rejects(worker.receive({ timeout: '1s' } as object), /no option "timeout"; there is signal/)
    const started = worker.start('cat')
    await refused()
    await started
    await refused()
  })

  story('receive beside onMessage', async (master) => {
    const worker = await master.getWorker('w').start('cat', [], { onMessage: () => {} })
    await assert.rejects(worker.receive(), { name: 'TypeError', message: /its onMessage gets every message/ })
  })

  story(
    'more workers than the cap',
    async (master) => {
      master.getWorker('1')
      assert.throws(() => master.getWorker('2'), /Cannot add worker "2": there are 1 already \(maxWorkers\)/)
      assert.equal(master.getWorker('1').id, '1')
    },
    { maxWorkers: 1 },
  )

  story(
    'variables as a list, beside those of the master',
    async (master) => {
      const started = master.getWorker('w').start('cat', [], { env: ['A=5'] as never })
      await assert.rejects(started, /env must be an object such as/)
      const other = new Master({ defaults: { env: ['A=5'] as never } })
      await assert.rejects(other.getWorker('w').start('cat', [], { env: {} }), /env must be an object such as/)
    },
    { defaults: { env: { B: '1' } } },
  )

  void test('a master that could start nobody', () => {
    const refused: readonly [options: object, says: RegExp][] = [
      [{ launcher: 'portable' }, /^Cannot make a master: launcher must be a launcher, such as portable\(\)/],
      [{ launcher: portable }, /such as portable\(\) with the parentheses$/],
      [{ defaults: { foo: 1 } }, /^Cannot use the defaults of a master: there is no option "foo"; there are cwd, /],
      [{ defaults: null }, /^Cannot use the defaults of a master: expected an object, not null$/],
    ]
    for (const [options, message] of refused) assert.throws(() => new Master(options), { name: 'TypeError', message })
  })

  void test('names, caps and framing options that cannot be', () => {
    const master = new Master()
    for (const id of ['', 'a\nb', 'x'.repeat(201), 7 as never])
      assert.throws(() => master.getWorker(id), /Cannot name a worker/)
    assert.throws(() => new Master({ maxStarts: 0 }), /Cannot use 0 as maxStarts/)
    assert.throws(() => new Master({ workers: 1 } as never), /Cannot make a master: there is no option "workers"/)
    assert.throws(() => lines({ maxLength: 'lots' }), /Cannot use "lots" as maxLength: expected a size/)
  })
})

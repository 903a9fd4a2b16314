import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, readSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { type Master, forkServer, raw } from '../../src/index.ts'
import { hasForkServer } from '../../src/process/fork-server/binary.ts'
import { PipeSink } from '../../src/process/fork-server/pipe-sink.ts'
import { COMMAND } from '../../src/process/fork-server/protocol.ts'
import { FEW, type ServerOfMany, ServerSide } from '../../src/process/fork-server/server-side.ts'
import { eventually } from '../support/processes.ts'
import { saysWithFewFiles } from '../support/story.ts'
import { storyUnless } from '../support/trees.ts'

const needsServer = hasForkServer() ? false : 'needs the fork server: npm run build'
const launcher = forkServer()

function descriptors(): number {
  return readdirSync('/proc/self/fd').length
}

/** Until the pipe of everybody who has nothing to say is closed. */
function atRest(count: number): Promise<void> {
  return eventually(
    () => descriptors() === count,
    5000,
    () => `${descriptors()} descriptors, not ${count}`,
  )
}

/** With so many others it is not worth while to open a pipe for a word. */
async function crowd(master: Master): Promise<void> {
  const names = Array.from({ length: FEW }, (_, i) => `other-${i}`)
  await Promise.all(names.map((name) => master.getWorker(name).start('cat', [], { launcher })))
}

void describe('the stdin of a worker of the fork server', { skip: needsServer }, () => {
  storyUnless(needsServer, 'takes a descriptor of the master only while there is something to say', async (master) => {
    await master.getWorker('warm').start('cat', [], { launcher })
    const before = descriptors()
    const worker = await master.getWorker('cat').start('cat', [], { launcher })
    assert.equal(descriptors(), before)
    for (let round = 0; round < 3; round++) {
      await worker.send(`line ${round}`)
      assert.equal(descriptors(), before + 1)
      assert.equal(await worker.receive(), `line ${round}`)
      await atRest(before)
    }
    await worker.end()
    assert.partialDeepStrictEqual(await worker.exited, { kind: 'normal' })
    await launcher.close()
  })

  storyUnless(needsServer, 'takes none in a crowd, as long as there is little to say', async (master) => {
    await crowd(master)
    const before = descriptors()
    const worker = await master.getWorker('cat').start('cat', [], { launcher })
    for (const line of ['little', 'much, '.repeat(1000), 'very little', 'much, '.repeat(1000)]) {
      await worker.send(line)
      assert.equal(descriptors(), line.length > 1000 ? before + 1 : before)
      assert.equal(await worker.receive(), line)
      await atRest(before)
      await worker.measure()
    }
    await master.stop()
    await launcher.close()
  })

  storyUnless(needsServer, 'takes one in a crowd for who is told something again and again', async (master) => {
    await crowd(master)
    const worker = await master.getWorker('cat').start('cat', [], { launcher })
    const before = descriptors()
    for (let i = 0; i < 1000; i++) {
      await worker.send(`line ${i}`)
      assert.equal(await worker.receive(), `line ${i}`)
    }
    // And one to read what it says.
    assert.equal(descriptors(), before + 2)
    await master.stop()
    await launcher.close()
  })

  for (const pause of ['no', 'a short', 'a long'])
    storyUnless(needsServer, `comes in order in a crowd, long and short, with ${pause} pause`, async (master) => {
      await crowd(master)
      const worker = await master.getWorker('cat').start('cat', [], { launcher })
      const before = descriptors()
      for (let i = 0; i < 40; i++) {
        const lines = [1, 100, 5000, 3, 2000, 2100, 70_000, 4096].map((length) =>
          `${i} `.repeat(length).slice(0, length),
        )
        for (const line of lines) await worker.send(line)
        for (const line of lines) assert.equal(await worker.receive(), line)
        if (pause === 'a short') await turn()
        // What it says is read by one from then on.
        if (pause === 'a long' && i % 10 === 9) await atRest(before + 1)
      }
      await master.stop()
      await launcher.close()
    })

  storyUnless(needsServer, 'ends where nothing was ever said', async (master) => {
    const worker = await master.getWorker('cat').start('cat')
    await worker.end()
    assert.equal((await worker.exited).kind, 'normal')
  })

  storyUnless(needsServer, 'loses and disorders nothing when it is full again and again', async (master) => {
    const script = 'for i in 1 2 3 4 5 6 7 8; do head -c 200000 | cksum; done'
    const worker = await master.getWorker('slow').start('sh', ['-c', script], { framing: raw() })
    const sums: string[] = []
    const all = Promise.all(
      Array.from({ length: 8 }, (_, piece) => worker.send(Buffer.alloc(200_000, `${piece} of eight, `))),
    )
    for await (const chunk of worker) sums.push(Buffer.from(chunk).toString())
    await all
    const lines = sums.join('').trim().split('\n')
    assert.equal(lines.length, 8)
    assert.equal(new Set(lines).size, 8)
    for (const line of lines) assert.match(line, / 200000$/)
  })

  for (const where of ['alone', 'in a crowd'])
    storyUnless(needsServer, `is refused to who speaks to a worker that has closed it, ${where}`, async (master) => {
      if (where === 'in a crowd') await crowd(master)
      const worker = await master
        .getWorker('deaf')
        .start('sh', ['-c', 'exec <&-; echo closed; read -r x < /dev/null; exec sleep 1000'], { launcher })
      assert.equal(await worker.receive(), 'closed')
      await assert.rejects(worker.send('hello'), { code: 'ERR_PAGENT_CLOSED' })
      await assert.rejects(worker.send('hello'), { code: 'ERR_PAGENT_CLOSED' })
      assert.equal(worker.state, 'running')
      await master.stop()
      await launcher.close()
    })

  storyUnless(needsServer, 'goes on when the worker has closed its stdout', async (master) => {
    const worker = await master.getWorker('mute').start('sh', ['-c', 'exec >&-; read -r line; exit "$line"'])
    assert.equal(await worker.receive(), undefined)
    assert.equal(worker.state, 'running')
    await worker.send('7')
    assert.partialDeepStrictEqual(await worker.exited, { kind: 'failed', exitCode: 7 })
  })

  storyUnless(needsServer, 'waits for a descriptor, when there is none left', async () => {
    assert.deepEqual(await saysWithFewFiles('master-without-descriptors.mjs'), ['EMFILE', 'waits', 'hello'])
  })
})

/** A fork server that answers when it is told to, and whose only descriptor is a pipe with two ends here. */
class Pretended implements ServerOfMany {
  readonly descriptors = mkdtempSync(join(tmpdir(), 'pagent-stdin-'))
  readonly running = FEW + 1
  /** The numbers of its questions, and the lengths of what is to be said. */
  readonly looks: number[] = []
  readonly said: number[] = []
  readonly sink: PipeSink
  readonly #reader: number
  readonly #buffer = Buffer.alloc(1 << 20)

  constructor() {
    execFileSync('mkfifo', [join(this.descriptors, '7')])
    this.#reader = openSync(join(this.descriptors, '7'), constants.O_RDONLY | constants.O_NONBLOCK)
    this.sink = new PipeSink(new ServerSide(this, 1), 7)
  }

  tell(command: number, _id: number, argument: number): void {
    if (command === COMMAND.look) this.looks.push(argument)
  }

  say(_id: number, _words: string | Uint8Array, length: number): void {
    this.said.push(length)
  }

  forget(): void {}

  /** Has it written; what comes out of the pipe is read until that is done. */
  async write(length: number): Promise<void> {
    const state = { isDone: false }
    this.sink.write(Buffer.alloc(length), () => (state.isDone = true))
    for (; !state.isDone; await turn()) this.#read()
    this.#read()
  }

  #read(): void {
    try {
      while (readSync(this.#reader, this.#buffer) > 0) continue
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'EAGAIN')
    }
  }

  asked(times: number): Promise<void> {
    return eventually(() => this.looks.length === times, 5000, `it asks ${times} times`)
  }

  close(): void {
    this.sink.destroy()
    closeSync(this.#reader)
    rmSync(this.descriptors, { recursive: true })
  }
}

void describe('what a fork server may be told to say', () => {
  void test('an answer says nothing about what was written after the question', async () => {
    const server = new Pretended()
    await server.write(5000)
    await server.asked(1)
    await server.write(500_000)
    server.sink.heard(server.looks[0] ?? 0, 0)
    await server.asked(2)
    server.sink.heard(server.looks[1] ?? 0, 60_000)
    await server.write(100)
    assert.deepEqual(server.said, [])
    await server.asked(3)
    server.sink.heard(server.looks[2] ?? 0, 0)
    server.sink.write(Buffer.alloc(100), () => {})
    assert.deepEqual(server.said, [100])
    server.close()
  })

  void test('nothing, as long as there is a question, not even no bytes', async () => {
    const server = new Pretended()
    await server.write(5000)
    await server.asked(1)
    await server.write(0)
    assert.deepEqual(server.said, [])
    server.close()
  })

  for (const [second, isSaid] of [
    [3096, true],
    [3097, false],
  ] as const)
    void test(`no more than a page that may be unread: 1000 and ${second}`, () => {
      const server = new Pretended()
      for (const length of [1000, second]) {
        server.sink.write('x'.repeat(length), () => {})
        server.sink.heard(0, 1)
      }
      assert.deepEqual(server.said, isSaid ? [1000, second] : [1000])
      server.close()
    })
})

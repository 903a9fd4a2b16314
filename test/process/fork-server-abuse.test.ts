import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { before as beforeAll, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { forkServerPath, hasForkServer } from '../../src/process/fork-server/binary.ts'
import {
  COMMAND,
  FRAME,
  INPUT_MOST,
  WISH,
  encodeCommand,
  encodeRequest,
  encodeWords,
} from '../../src/process/fork-server/protocol.ts'
import { assertNothingLeft, holdings, isAlive } from '../support/processes.ts'
import { RawForkServer, shell } from '../support/raw-fork-server.ts'
import { assertGone, freshToken } from '../support/trees.ts'

const { EINVAL, E2BIG, EMFILE, ENOMEM } = constants.errno
const IDLE = 50
const needsBuild = hasForkServer() ? false : 'needs the fork server: npm run build'
// A sanitizer reserves more addresses than any limit leaves.
const isSanitized = forkServerPath().includes('sanitized')
const needsAddresses = isSanitized ? 'needs a fork server without sanitizers' : false
const needsPrlimit =
  spawnSync('prlimit', ['--version']).status === 0 ? false : 'needs prlimit: apt-get install util-linux'

interface Abuse {
  readonly skip?: string | false
  /** What the shell does that becomes the fork server. */
  readonly first?: string
}

/** It still works afterwards, and leaves nothing when it ends. */
function abuse(
  title: string,
  tell: (server: RawForkServer) => Promise<void>,
  { skip = false, first }: Abuse = {},
): void {
  void test(title, { skip }, async () => {
    const held = holdings()
    const server = new RawForkServer(first)
    try {
      await server.ready()
      await tell(server)
      if (!server.isEnding) await server.assertWorks()
    } finally {
      await server.end()
    }
    await assertNothingLeft(held)
  })
}

void describe('a fork server that is mistreated', { skip: needsBuild }, () => {
  // The first start makes Node open something for good.
  beforeAll(async () => {
    const server = new RawForkServer()
    await server.ready()
    await server.end()
  })

  abuse('answers a request that is too long before it has come, and passes it over', async (server) => {
    const length = 9 << 20
    const before = server.memory()
    assert.deepEqual(await refusal(server, encodeCommand(COMMAND.start, 1, length), 1), [0, E2BIG])
    server.commands.write(Buffer.alloc(length, COMMAND.start))
    await server.assertWorks()
    assert.ok(server.memory() < before + 2 ** 20)
  })

  abuse('answers a request without a body, and one of noise', async (server) => {
    assert.deepEqual(await refusal(server, encodeCommand(COMMAND.start, 1, 0), 1), [0, EINVAL])
    const noise = Buffer.concat([encodeCommand(COMMAND.start, 2, 300), randomBytes(300)])
    assert.deepEqual(await refusal(server, noise, 2), [0, EINVAL])
  })

  for (const part of [1, 7, 11, 12, 13, 60, 71, 72, 73, 200])
    abuse(`ends in order when its master goes after ${part} bytes of a request`, async (server) => {
      const token = freshToken()
      await server.run(shell(`setsid sleep ${token} & exec cat`))
      server.commands.write(encodeRequest(server.nextId(), shell('exit')).subarray(0, part))
      await server.end()
      await assertGone(token)
      assert.deepEqual(server.frames, [])
    })

  abuse('takes a request and commands byte by byte', async (server) => {
    const id = server.nextId()
    for (const byte of encodeRequest(id, shell('exec cat'))) await written(server.commands, byte)
    await server.frame(id, FRAME.started)
    for (const byte of encodeCommand(1, id, constants.signals.SIGTERM)) await written(server.commands, byte)
    const { body } = await server.frame(id, FRAME.exited)
    assert.equal(body.readUInt32LE(0), constants.signals.SIGTERM)
  })

  abuse('ignores commands that mean nothing', async (server) => {
    const { id, pid } = await server.run(shell('exec sleep 1000'))
    for (let i = 0; i < 1000; i++) server.commands.write(nonsense(id))
    for (const number of [0, 65, 0xffff_ffff]) server.tell('signal', id, number)
    for (const command of WITHOUT_BODY) server.tell(command, 12_345, 9)
    server.tell('measure', id)
    await server.frame(id, FRAME.usage)
    assert.ok(isAlive(pid))
  })

  abuse('ignores commands to who has ended, and to who is forgotten', async (server) => {
    const { id } = await server.run(shell('exit'))
    await server.frame(id, FRAME.exited)
    for (let round = 0; round < 2; round++) {
      for (const command of WITHOUT_BODY) if (command !== 'release') server.tell(command, id, 9)
      server.tell('release', id)
    }
  })

  abuse('refuses the second of two workers with one number, and the first lives on', async (server) => {
    const { id, pid } = await server.run(shell('exec sleep 1000'))
    server.ask(shell('exit'), id)
    server.tell('measure', id)
    await server.frame(id, FRAME.usage)
    assert.ok(isAlive(pid))
    assert.deepEqual(server.frames, [])
  })

  abuse(
    'says words to who is there, whole, and passes over those for nobody and those that are too long',
    async (server) => {
      const { id } = await server.run(shell('exec cat'))
      for (const who of [id, 12_345, id]) server.commands.write(encodeWords(who, 'hello\n', 6))
      server.commands.write(encodeWords(id, '', 0))
      for (const length of [INPUT_MOST + 1, 300_000]) server.commands.write(encodeWords(id, 'x'.repeat(length), length))
      server.commands.write(encodeWords(id, Buffer.from('bye\n'), 4))
      server.tell('closeStdin', id)
      await server.frame(id, FRAME.exited)
      assert.equal(server.stdout.get(id), 'hello\nhello\nbye\n'.length)
    },
  )

  abuse('tells how much is unread, and says no word to who does not listen', async (server) => {
    const { id } = await server.run(shell('exec sleep 1000'))
    const unread: number[] = []
    const hear = async (): Promise<unknown> => unread.push((await server.frame(id, FRAME.stdin)).body.readInt32LE(4))
    for (let words = 0; words < 3; words++) {
      server.commands.write(encodeWords(id, 'hello\n', 6))
      await hear()
    }
    server.tell('look', id, 7)
    const { body } = await server.frame(id, FRAME.stdin)
    assert.deepEqual([unread, body.readUInt32LE(0), body.readInt32LE(4)], [[0, 6, 12], 7, 18])
    server.tell('closeStdin', id)
    server.commands.write(encodeWords(id, 'hello\n', 6))
    await hear()
    assert.equal(unread.at(-1), -constants.errno.EPIPE)
  })

  abuse('does not wait for who has filled his own stdin', async (server) => {
    const fills = 'head -c 65536 /dev/zero > /proc/self/fd/0; echo full; exec sleep 1000'
    const { id } = await server.run(shell(fills))
    await server.until(() => server.stdout.get(id) === 5, 'its stdin is full')
    server.commands.write(encodeWords(id, 'hello\n', 6))
    assert.equal((await server.frame(id, FRAME.stdin)).body.readInt32LE(4), -constants.errno.EAGAIN)
  })

  abuse('passes on what was said until it is full, and more when that is wanted', async (server) => {
    server.wantsMore = false
    const { id, pid } = await server.run(shell('exec head -c 300000 /dev/zero'))
    const read: (number | undefined)[] = []
    for (let round = 0; round < 3; round++) {
      await server.frame(id, FRAME.stdoutFull)
      read.push(server.stdout.get(id))
      await server.until(() => isStuck(pid), 'the worker waits')
      await assertIdle(server)
      const more = encodeCommand(COMMAND.stdout, id, WISH.more)
      // The second comes while it is not full, and changes nothing.
      server.commands.write(Buffer.concat([more, more]))
    }
    server.wantsMore = true
    await server.frame(id, FRAME.stdoutEnd)
    assert.equal(server.stdout.get(id), 300_000)
    for (const [i, bytes = 0] of read.entries()) assert.ok(bytes <= (i + 1) * 81_920, `${bytes} in round ${i}`)
  })

  abuse('hands over a stream that its master has opened', async (server) => {
    server.wantsMore = false
    const { id } = await server.run(shell('exec head -c 300000 /dev/zero'))
    const { body } = await server.frame(id, FRAME.stdoutFull)
    const ours = createReadStream(`/proc/${server.pid}/fd/${body.readInt32LE(0)}`)
    await once(ours, 'open')
    server.tell('stdout', id, WISH.handOver)
    let bytes = server.stdout.get(id) ?? 0
    for await (const chunk of ours) bytes += (chunk as Buffer).length
    assert.equal(bytes, 300_000)
    await server.frame(id, FRAME.exited)
  })

  abuse('does not grow while its master does not read, and loses nothing', async (server) => {
    const size = 500_000
    const floods = await all(50, () => server.run(shell(`exec head -c ${size} /dev/zero >&2`)))
    // It has stopped when nobody gets rid of anything any more.
    server.news.pause()
    const before = server.memory()
    const late = Array.from({ length: 50 }, () => server.ask(shell(`exec head -c ${size} /dev/zero >&2`)))
    await server.until(() => floods.every(({ pid }) => isStuck(pid)), 'all workers wait')
    await assertIdle(server)
    assert.ok(server.memory() < before + 2 ** 20, `it grew from ${before} to ${server.memory()}`)
    server.news.resume()
    for (const id of [...floods.map((flood) => flood.id), ...late]) {
      await server.frame(id, FRAME.stderrEnd)
      assert.equal((await server.frame(id, FRAME.exited)).body.readUInt32LE(0), 0)
      assert.equal(server.stderr.get(id), size)
    }
  })

  abuse(
    'goes on without descriptors, and kills whole trees without',
    async (server) => {
      const token = freshToken()
      const first = await server.run(shell(`setsid sleep ${token} & exec cat`))
      const asked = Array.from({ length: 60 }, () => server.ask(shell('exec sleep 1000')))
      const answers = await Promise.all(asked.map((id) => answer(server, id)))
      const running = asked.filter((_, i) => answers[i] === 'runs')
      assert.ok(running.length > 0 && running.length < 60, `${running.length} are running`)
      for (const word of answers) assert.ok(['runs', `${EMFILE}`].includes(word), word)
      server.tell('release', first.id)
      await assertGone(token)
      await assertIdle(server)
      for (const id of running) server.tell('release', id)
      await server.until(() => server.descriptors() < 25, 'descriptors come back')
    },
    { first: 'ulimit -n 40' },
  )

  abuse(
    'goes on without memory',
    async (server) => {
      const length = 8 << 20
      assert.deepEqual(await refusal(server, encodeCommand(COMMAND.start, 1, length), 1), [0, ENOMEM])
      server.commands.write(Buffer.alloc(length))
    },
    { first: 'ulimit -v 6000', skip: needsAddresses },
  )

  abuse('sees the end of a stderr that its worker has closed, and of the worker later', async (server) => {
    const { id } = await server.run(shell('exec 0<&- 1>&- 2>&-; while :; do sleep 1000; done'))
    await Promise.all([server.frame(id, FRAME.stderrEnd), server.frame(id, FRAME.stdoutEnd)])
    await assertIdle(server)
    server.tell('signal', id, 9)
    await server.frame(id, FRAME.exited)
  })

  abuse('lets no stderr that is full, and at its end, keep it busy', async (server) => {
    server.wantsMore = false
    const { id } = await server.run(shell('head -c 65536 /dev/zero >&2; exec 2>&-; exec sleep 1000'))
    await server.frame(id, FRAME.stderrFull)
    await assertIdle(server)
    server.tell('signal', id, 9)
    await server.frame(id, FRAME.exited)
  })

  for (const limit of ['0:0', '1000:1000'])
    abuse(
      `counts who has left its session and has RLIMIT_RTTIME at ${limit}, and kills it in the end`,
      async (server) => {
        const token = freshToken()
        const lost = `prlimit --rttime=${limit} setsid sh -c 'sleep $0 & sleep $0 & echo lost; exec sleep $0' ${token}`
        const { id } = await server.run(shell(`${lost} & exec sleep 1000`))
        await server.until(() => (server.stdout.get(id) ?? 0) > 0, 'it is lost')
        server.tell('measure', id)
        const { body } = await server.frame(id, FRAME.usage)
        assert.equal(Number(body.readBigUInt64LE(24)), 4)
        await server.end()
        await assertGone(token)
      },
      { skip: needsPrlimit },
    )

  abuse('does nothing at no signal that can be blocked', async (server) => {
    for (const pid of [server.pid, server.guardian])
      for (let number = 1; number < 65; number++) if (number !== 9 && number !== 19) process.kill(pid, number)
    for (const pid of [server.pid, server.guardian]) {
      process.kill(pid, 'SIGSTOP')
      await server.until(() => stateOf(pid) === 'T', 'it stands still')
      process.kill(pid, 'SIGCONT')
    }
    await server.assertWorks()
  })

  abuse('does nothing while its workers do nothing', async (server) => {
    const workers = await all(20, () => server.run(shell('exec sleep 1000')))
    assert.equal(workers.length, 20)
    await assertIdle(server)
  })

  abuse(
    'has marks for nobody where RLIMIT_RTTIME is limited, and limits all the same',
    async (server) => {
      const limits = { memory: 64 << 20, processes: 20 }
      const workers = await all(3, () => server.run(shell('exec sleep 1000', { limits })))
      for (const { id, pid } of workers) {
        server.tell('release', id)
        await server.until(() => !isAlive(pid), 'it is killed')
      }
    },
    { first: 'exec prlimit --rttime=1000000:1000000 sh -c \'exec "$0"\' "$0"', skip: needsPrlimit },
  )

  abuse('offers every worker to the OOM killer, also one with hardly a descriptor', async (server) => {
    const { id } = await server.run(shell('exec cat /proc/self/oom_score_adj >&2', { limits: { openFiles: 12 } }))
    await server.frame(id, FRAME.stderrEnd)
    assert.equal(server.stderr.get(id), '800\n'.length)
  })

  abuse('bears limits that are beyond all measure', async (server) => {
    for (const huge of [1e12, 1e15, 2 ** 54]) {
      const limits = { memory: huge, cpuTime: huge, cpus: huge / 1000, processes: huge, openFiles: 100, fileSize: huge }
      await server.run(shell('exec sleep 1000', { limits }))
    }
    await assertIdle(server)
  })
})

/** The stage and the errno of its answer to bytes. */
async function refusal(server: RawForkServer, bytes: Buffer, id: number): Promise<[stage: number, errno: number]> {
  server.commands.write(bytes)
  const { body } = await server.frame(id, FRAME.failed)
  return [body.readUInt32LE(0), body.readInt32LE(4)]
}

const WITHOUT_BODY = ['signal', 'release', 'measure', 'closeStdin', 'widenStdin', 'stdout', 'stderr', 'look'] as const

const LAST_COMMAND = Math.max(...Object.values(COMMAND))

/** No command that there is, about somebody or nobody. */
function nonsense(id: number): Buffer {
  const frame = randomBytes(12)
  if (frame.readUInt32LE(0) <= LAST_COMMAND) frame.writeUInt32LE(LAST_COMMAND + 1, 0)
  if ((frame[4] ?? 0) % 2 === 0) frame.writeUInt32LE(id, 4)
  return frame
}

async function answer(server: RawForkServer, id: number): Promise<string> {
  const { type, body } = await server.frame(id, FRAME.started, FRAME.failed)
  return type === FRAME.started ? 'runs' : String(body.readInt32LE(4))
}

/** One second in which nobody asks for anything; the second or third, when it still has something to end in the first. */
async function assertIdle(server: RawForkServer): Promise<void> {
  const seconds: number[] = []
  while (seconds.length < 3) {
    const start = server.cpuTime()
    await pause(1000)
    const used = server.cpuTime() - start
    if (used < IDLE) return
    seconds.push(used)
  }
  assert.fail(`it used ${seconds.join(', ')} ms of CPU time in a second each`)
}

async function all<T>(count: number, make: () => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, make))
}

function written(stream: NodeJS.WritableStream, byte: number): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(Uint8Array.of(byte), (error) => (error ? reject(error) : resolve()))
  })
}

/** `head` sleeps only when it cannot write. Or it is done, since before the master stopped reading. */
function isStuck(pid: number): boolean {
  try {
    return stateOf(pid) !== 'S' ? false : readFileSync(`/proc/${pid}/comm`, 'latin1') === 'head\n'
  } catch {
    return true
  }
}

function stateOf(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  return stat[stat.lastIndexOf(')') + 2] ?? ''
}

/** The transcripts of docs/protocol.md are held against all who speak it. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { jsonRpc } from '../../src/index.ts'
import { story } from '../support/story.ts'
import {
  type Command,
  type RawWorker,
  needsPython,
  nodeFixture,
  pythonFixture,
  withWorker,
} from './fixtures/raw-worker.ts'

const page = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8')
const fences = [...page.matchAll(/^```(?<language>\w+) (?<info>.+)\n(?<text>[\s\S]*?)^```$/gm)].map(
  ({ groups }) => groups as { language: string; info: string; text: string },
)
const transcripts = fences.filter(({ language }) => language === 'transcript')

const workshop = mkdtempSync(join(tmpdir(), 'pagent-protocol-'))
after(() => rmSync(workshop, { recursive: true }))

/** A program of the page, as a file. */
function programOfPage(name: string): string {
  const text = fences.find(({ info }) => info === name)?.text
  assert.ok(text !== undefined, `docs/protocol.md has no ${name}`)
  writeFileSync(join(workshop, name), text)
  return join(workshop, name)
}

/** Asserts that a message is as written, but for what stands where `"…"` does; named ones are learned. */
function assertLike(message: unknown, written: unknown, names: Map<string, unknown>): void {
  assert.deepEqual(blanked(message, written, names), filled(written, names))
}

/** The message, with all that is free put in as it is written. */
function blanked(message: unknown, written: unknown, names: Map<string, unknown>): unknown {
  if (typeof written === 'string' && written.startsWith('…')) {
    if (written === '…' && message !== undefined) return written
    if (!names.has(written)) names.set(written, message)
    return message
  }
  if (typeof written !== 'object' || written === null || typeof message !== 'object' || message === null) return message
  if (Array.isArray(message)) return message.map((item, i) => blanked(item, (written as unknown[])[i], names))
  const pairs = Object.entries(message)
  return Object.fromEntries(
    pairs.map(([name, value]) => [name, blanked(value, (written as Record<string, unknown>)[name], names)]),
  )
}

/** What is written, with what the names have stood for. */
function filled(written: unknown, names: ReadonlyMap<string, unknown>): unknown {
  return JSON.parse(JSON.stringify(written), (_, value: unknown) =>
    typeof value === 'string' && names.has(value) ? names.get(value) : value,
  )
}

async function replay(worker: RawWorker, text: string): Promise<void> {
  const names = new Map<string, unknown>()
  for (const line of text.split('\n').filter((each) => each !== '')) {
    const [arrow, said] = [line.slice(0, 2), line.slice(2)]
    assert.match(arrow, /^[→←] $/)
    if (line === '→ end of stdin') worker.end()
    else if (arrow === '→ ') worker.send(named(said, names))
    else if (said.startsWith('exit ')) await assertExit(worker, said)
    else assertLike(await worker.next(), JSON.parse(said), names)
  }
}

/** A line to send goes as it is, unless a name stands in it. */
function named(said: string, names: ReadonlyMap<string, unknown>): string {
  return said.includes('"…') ? JSON.stringify(filled(JSON.parse(said), names)) : said
}

async function assertExit(worker: RawWorker, said: string): Promise<void> {
  const exit = await worker.exit()
  assert.deepEqual(worker.lines, [], 'it has said more')
  if (said === 'exit …') assert.match(exit, /^exit \d+$/)
  else assert.equal(exit, said, worker.stderr)
}

const speakers: readonly { name: string; command: Command; skip: string | false }[] = [
  { name: 'pagent/worker', command: nodeFixture('api-worker.ts'), skip: false },
  { name: 'pagent.py in threads', command: pythonFixture('api_worker.py'), skip: needsPython },
  { name: 'pagent.py in tasks', command: pythonFixture('api_worker.py', 'async'), skip: needsPython },
]

for (const { name, command, skip } of speakers) {
  describe(name, { concurrency: 4 }, () => {
    for (const { info, text } of transcripts)
      test(info, { skip }, () => withWorker(command, (worker) => replay(worker, text)))
  })
}

describe('the worker of the page in plain Python', () => {
  for (const name of ['a call', 'an error', 'names without a method', 'notifications']) {
    test(name, { skip: needsPython }, async () => {
      const { text } = transcripts.find(({ info }) => info === name) as { text: string }
      await withWorker(['python3', programOfPage('worker.py')], (worker) => replay(worker, text))
    })
  }
})

story('the worker of the page in sh adds', async (master) => {
  const worker = await master.getWorker('sh').start('sh', [programOfPage('worker.sh')], { framing: jsonRpc() })
  const rpc = worker.rpc()
  assert.deepEqual(await Promise.all([rpc.call('add', 1, 2), rpc.call('add', 40, 2)]), [3, 42])
  await assert.rejects(rpc.call('add', '$(exit 7)', 1), { rpcCode: -32_602 })
  await assert.rejects(rpc.call('add', 1), { rpcCode: -32_602 })
  await assert.rejects(rpc.call('subtract', 2, 1), { rpcCode: -32_601 })
  await rpc.notify('add', 1, 2)
  assert.equal(await rpc.call('add', 0, 0), 0)
  await worker.end()
  assert.equal((await worker.exited).kind, 'normal')
})

test('a transcript that does not hold is told from one that does', async () => {
  const mute: Command = ['sh', '-c', `read -r line; echo '{"jsonrpc":"2.0","id":1,"result":4,"more":[]}'`]
  const ask = '→ {"jsonrpc":"2.0","id":1,"method":"add","params":[1,2]}\n'
  const bad = ['{"jsonrpc":"2.0","id":1,"result":4}', '{"jsonrpc":"2.0","id":1,"result":"…","more":[],"rest":"…"}']
  for (const line of bad)
    await withWorker(mute, (worker) => assert.rejects(replay(worker, `${ask}← ${line}\n`), assert.AssertionError))
  const good = '← {"jsonrpc":"2.0","id":"…id","more":[],"result":"…"}\n← exit 0\n'
  await withWorker(mute, (worker) => replay(worker, ask + good))
})

import assert from 'node:assert/strict'
import { appendFileSync } from 'node:fs'
import { appendFile, readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '../../../src/base/clock.ts'
import type { LogRecord } from '../../../src/control/api/wire.ts'
import { type DiskNews, LogDisk, type OpenFile } from '../../../src/control/logs/disk/log-disk.ts'
import { filesOf } from '../../../src/control/logs/disk/names.ts'
import { fromLine, toLine } from '../../../src/control/logs/log-line.ts'
import { LogBook } from '../../../src/control/logs/log-book.ts'
import type { LogRequest } from '../../../src/control/logs/selection.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { emptyFolder } from '../../support/folders.ts'

const PLAN = { maxSize: 1e6, maxFiles: 3, maxAge: undefined }

function record(seq: number, worker = 'a', msg = `line ${seq}`): LogRecord {
  return { seq, time: Date.now(), worker, incarnation: 1, pid: 1, stream: 'out', level: 30, msg }
}

/** A disk that does as it is told, and what it has taken. */
class FakeDisk {
  readonly taken = new Map<string, string>()
  error: Error | undefined
  /** Until this settles nothing is taken. */
  held: Promise<void> | undefined
  appends = 0
  readonly #asked = Promise.withResolvers<void>()
  readonly asked = this.#asked.promise
  open = 0
  mostOpen = 0

  readonly openFile: OpenFile = (_, base) => {
    let isOpen = false
    return {
      append: async (text) => {
        this.appends++
        this.#asked.resolve()
        if (!isOpen) this.mostOpen = Math.max(this.mostOpen, ++this.open)
        isOpen = true
        await this.held
        if (this.error !== undefined) throw this.error
        this.taken.set(base, (this.taken.get(base) ?? '') + text)
      },
      close: async () => {
        if (isOpen) this.open--
        isOpen = false
      },
    }
  }

  records(base: string): LogRecord[] {
    const lines = (this.taken.get(base) ?? '').split('\n').slice(0, -1)
    return lines.map((line) => fromLine(line, 0)!)
  }
}

/** Lets time pass, and the disk do what is due. */
async function pass(clock: FakeClock, logs: LogDisk, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    for (let step = 0; step < 10; step++) {
      clock.advance(100)
      await logs.settled
    }
  }
}

function put(logs: LogDisk, one: LogRecord): void {
  logs.write(one, toLine(one))
}

const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })

test('a disk that is full is told once, costs nobody anything, and what it has missed is counted where it is missing', async () => {
  const folder = await emptyFolder()
  const clock = new FakeClock()
  const disk = new FakeDisk()
  const news: DiskNews[] = []
  const logs = new LogDisk(folder, PLAN, clock, (one) => news.push(one), disk.openFile)
  disk.error = full
  const text = 'x'.repeat(10_000)
  const count = 2000
  for (let seq = 1; seq <= count; seq++) put(logs, record(seq, 'a', text))
  await pass(clock, logs, 5)
  assert.deepEqual(
    news.map(({ state }) => state),
    ['failing'],
  )
  const waiting = logs.unwritten()
  assert.ok(waiting.length > 700 && waiting.length < 900, `${waiting.length} wait`)
  disk.error = undefined
  await pass(clock, logs, 1)
  put(logs, record(count + 1, 'a', 'after'))
  await pass(clock, logs, 3)
  await logs.close()
  const all = disk.records('all')
  const gap = all.find(({ dropped }) => dropped !== undefined)
  assert.equal(gap?.dropped, count - waiting.length)
  assert.equal(gap?.seq, count)
  assert.match(gap?.msg ?? '', /^\d+ lines are missing here: the disk did not take them in time$/)
  assert.deepEqual(
    all.map(({ seq }) => seq),
    [...waiting.map(({ seq }) => seq), count, count + 1],
  )
  assert.deepEqual(
    news.map(({ state }) => state),
    ['failing', 'works'],
  )
  assert.equal((news[1] as { dropped: number }).dropped, gap?.dropped)
  // The file of the worker has its own gap.
  assert.equal(disk.records('workers/a').filter(({ dropped }) => dropped !== undefined).length, 1)
})

test('a disk that does not answer holds up nobody, not even the end', async () => {
  const folder = await emptyFolder()
  const clock = new FakeClock()
  const disk = new FakeDisk()
  const logs = new LogDisk(folder, PLAN, clock, () => {}, disk.openFile)
  disk.held = new Promise(() => {})
  for (let seq = 1; seq <= 100_000; seq++) put(logs, record(seq))
  clock.advance(500)
  await disk.asked
  const closed = logs.close()
  clock.advance(5000)
  await closed
})

test('of a thousand workers few files are open at a time, and none when nobody writes', async () => {
  const folder = await emptyFolder()
  const clock = new FakeClock()
  const disk = new FakeDisk()
  const logs = new LogDisk(folder, PLAN, clock, () => {}, disk.openFile)
  for (let round = 0; round < 3; round++) {
    for (let index = 0; index < 1000; index++) put(logs, record(round * 1000 + index + 1, `w-${index}`))
    await pass(clock, logs, 5)
  }
  assert.ok(disk.mostOpen <= 34, `${disk.mostOpen} files were open`)
  assert.ok(disk.open > 0)
  await pass(clock, logs, 15)
  assert.equal(disk.open, 0)
  assert.equal(disk.records('all').length, 3000)
  assert.equal(disk.records('workers/w-999').length, 3)
  // Everybody's lines of one time left in one write.
  assert.ok(disk.appends < 3 * 1000 + 30)
  await logs.close()
})

test('the combined file is never far behind, however long there was nothing to write or its worker still waits', async () => {
  const folder = await emptyFolder()
  const clock = new FakeClock()
  const disk = new FakeDisk()
  const logs = new LogDisk(folder, PLAN, clock, () => {}, disk.openFile)
  put(logs, record(1))
  // All is written, and there is nothing to do but to close the files one day.
  await pass(clock, logs, 3)
  for (const seq of [2, 3, 4]) {
    put(logs, record(seq))
    clock.advance(100)
    await logs.settled
    assert.equal(disk.records('all').at(-1)?.seq, seq)
  }
  await pass(clock, logs, 2)
  assert.equal(disk.records('workers/a').at(-1)?.seq, 4)
  await logs.close()
  assert.equal(clock.pending, 0)
})

async function read(book: LogBook, request: Partial<LogRequest>, life = 1): Promise<string[]> {
  const found: string[] = []
  for await (const { msg } of book.read({ workers: undefined, lifeOf: () => life, ...request })) found.push(msg)
  return found
}

/** A book on a real disk. */
function openBook(folder: string, plan = PLAN): LogBook {
  return new LogBook(Date.now(), new LogDisk(folder, plan, systemClock, () => {}))
}

const line = (worker: string, msg: string, more: Partial<LogRecord> = {}): Omit<LogRecord, 'seq'> => {
  const { seq: _, ...rest } = { ...record(0, worker, msg), ...more }
  return rest
}

test('what was written is read at once, wherever it is by then, and each line once', async () => {
  const folder = await emptyFolder()
  const book = openBook(folder, { ...PLAN, maxSize: 50_000, maxFiles: 100 })
  const expected: string[] = []
  for (let round = 0; round < 20; round++) {
    for (let index = 0; index < 100; index++) {
      expected.push(`line ${round} ${index}`)
      book.write(line(index % 2 === 0 ? 'even' : 'odd', expected.at(-1)!))
    }
    const [all, last, odd] = await Promise.all([
      read(book, { lines: 1e6 }),
      read(book, { lines: 7 }),
      read(book, { workers: ['odd'], lines: 11 }),
    ])
    assert.deepEqual(all, expected)
    assert.deepEqual(last, expected.slice(-7))
    assert.deepEqual(odd, expected.filter((_, index) => index % 2 === 1).slice(-11))
  }
  await book.close()
  assert.deepEqual(await read(book, { lines: 1e6 }), expected)
  const files = await readdir(folder)
  assert.ok(files.length > 3, 'it has made room on the way')
  const [first = ''] = await filesOf(folder, 'workers/odd')
  const text = await readFile(first, 'utf8')
  assert.deepEqual(Object.keys(JSON.parse(text.split('\n', 1)[0]!)), [
    'level',
    'time',
    'pid',
    'worker',
    'incarnation',
    'stream',
    'seq',
    'msg',
  ])
})

const messages = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => `line ${from + index}`)

const textOf = (from: number, to: number): string =>
  messages(from, to)
    .map((msg, index) => `${toLine(record(from + index, 'a', msg))}\n`)
    .join('')

test('what is written while somebody reads comes in order, or not at all', async () => {
  const folder = await emptyFolder()
  const logs = new LogDisk(folder, PLAN, new FakeClock(), () => {}, new FakeDisk().openFile)
  const book = new LogBook(0, logs)
  const path = join(folder, 'all.ndjson')
  for (const msg of messages(1, 20)) book.write(line('a', msg))
  for (const [request, first] of [
    [{ lines: 15 }, 6],
    [{ lines: 25 }, 1],
    [{ since: 0 }, 1],
  ] as const) {
    await writeFile(path, textOf(1, 5))
    const reading = read(book, request)
    // It has seen what waits, and has opened no file.
    appendFileSync(path, textOf(6, 30))
    assert.deepEqual(await reading, messages(first, 20))
  }
  await logs.close()
})

test('a reader that stops in the middle holds up nothing', async () => {
  const folder = await emptyFolder()
  const book = openBook(folder, { ...PLAN, maxSize: 10_000, maxFiles: 2 })
  for (let index = 0; index < 500; index++) book.write(line('a', `old ${index}`))
  const reader = book.read({ workers: undefined, lifeOf: () => 1, since: 0 })
  assert.equal((await reader.next()).value?.msg, 'old 0')
  for (let index = 0; index < 500; index++) book.write(line('a', `new ${index}`))
  await book.close()
  assert.deepEqual(await read(book, { lines: 1 }), ['new 499'])
  await reader.return(undefined)
})

test('lines are chosen by stream, by time, and by life, also of a fleet before', async () => {
  const folder = await emptyFolder()
  const before = openBook(folder)
  const long = Date.now() - 60_000
  before.write(line('a', 'very old', { time: long, pid: 7, incarnation: 1 }))
  before.write(line('a', 'old 1', { time: long + 1, pid: 8, incarnation: 2 }))
  before.write(line('a', 'old 2', { time: long + 2, pid: 8, incarnation: 2, stream: 'err' }))
  await before.close()
  const book = openBook(folder)
  assert.deepEqual(await read(book, { previous: true, workers: ['a'] }, 0), ['old 1', 'old 2'])
  book.write(line('a', 'first', { pid: 9 }))
  book.write(line('b', 'other', { pid: 10, stream: 'err' }))
  assert.deepEqual(await read(book, { previous: true, workers: ['a'] }, 1), ['old 1', 'old 2'])
  book.write(line('a', 'second', { pid: 11, incarnation: 2 }))
  assert.deepEqual(await read(book, { previous: true, workers: ['a'] }, 2), ['first'])
  assert.deepEqual(await read(book, { stream: 'err' }), ['old 2', 'other'])
  assert.deepEqual(await read(book, { since: long + 1 }), ['old 1', 'old 2', 'first', 'other', 'second'])
  assert.deepEqual(await read(book, { since: long + 3, lines: 2 }), ['other', 'second'])
  assert.deepEqual(await read(book, { workers: ['a', 'b'], lines: 2 }), ['other', 'second'])
  assert.deepEqual(await read(book, { workers: ['nobody'] }), [])
  await book.close()
})

test('without a disk the last lines of each worker are known, and a flood displaces its own only', async () => {
  const book = new LogBook(0, undefined)
  book.write(line('quiet', 'hello'))
  for (let index = 0; index < 10_000; index++) book.write(line('loud', `line ${index}`))
  assert.deepEqual(
    book.lastOf('quiet', 10).map(({ msg }) => msg),
    ['hello'],
  )
  assert.deepEqual(await read(book, { workers: ['loud'], lines: 1 }), ['line 9999'])
  assert.ok(book.lastOf('loud', 1e9).length < 3000)
})

test('a line that cannot be read costs no other', async () => {
  const folder = await emptyFolder()
  const book = openBook(folder)
  book.write(line('a', 'one'))
  await book.close()
  await appendFile(join(folder, 'all.ndjson'), '{"level":30,"time":1,"wor\n\0\0\0\n{"level":30,"ti')
  const again = openBook(folder)
  again.write(line('a', 'two'))
  await again.close()
  assert.deepEqual(await read(again, {}), ['one', 'two'])
})

import assert from 'node:assert/strict'
import { appendFile, mkdir, readFile, readdir, rename, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { OpenedFiles } from '../../../src/control/logs/disk/cursor.ts'
import { baseOf, fileOf, filesOf } from '../../../src/control/logs/disk/names.ts'
import { removeAged } from '../../../src/control/logs/disk/retention.ts'
import { RotatingFile, intervalOf } from '../../../src/control/logs/disk/rotating-file.ts'
import { LONGEST_LINE, cut, fromLine, toLine } from '../../../src/control/logs/log-line.ts'
import { emptyFolder } from '../../support/folders.ts'

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

test('a record becomes a line of JSON and comes back, whatever was written', () => {
  for (const msg of ['hello', '', 'a\nb', '"\\', '\u0000\u001b[31m', 'é€😀', '\ud800', 'x'.repeat(1000)]) {
    const record = { seq: 7, time: 10, worker: 'a "b"', incarnation: 2, pid: 3, stream: 'err', level: 40, msg } as const
    const line = toLine(record)
    assert.equal(line.indexOf('\n'), -1)
    assert.deepEqual(fromLine(line, 0), { ...record, msg })
    assert.equal(fromLine(line, 11)?.seq, 0)
  }
  const ours = {
    seq: 1,
    time: 1,
    worker: 'a',
    incarnation: 0,
    stream: 'pagent',
    level: 40,
    msg: 'm',
    dropped: 3,
  } as const
  assert.deepEqual(fromLine(toLine(ours), 0), ours)
  for (const broken of ['', '{', 'null', '[]', '{"time":1}', '{"level":30,"time":1,"worker":"a","msg":"half']) {
    assert.equal(fromLine(broken, 0), undefined)
  }
})

test('a line that is too long says what is missing', () => {
  assert.equal(cut('short'), 'short')
  assert.equal(cut('x'.repeat(LONGEST_LINE)).length, LONGEST_LINE)
  assert.match(cut('x'.repeat(LONGEST_LINE + 5)), /x… \(5 more characters\)$/)
})

test('any name of a worker is a name of a file, and no two are the same', () => {
  const names = [
    'a',
    'a-1',
    'A',
    '.',
    '..',
    'a/b',
    'a%2Fb',
    '../x',
    'é',
    'x'.repeat(200),
    `${'/'.repeat(199)}a`,
    `${'/'.repeat(199)}b`,
  ]
  const bases = names.map(baseOf)
  assert.equal(new Set(bases).size, names.length)
  for (const base of bases) {
    assert.match(base, /^workers\/[^/.][^/]*$/)
    assert.ok(fileOf(base, new Date(0)).length < 255)
  }
})

test('a file makes room for the next when it is large, and so many are kept', async () => {
  const folder = await emptyFolder()
  const file = new RotatingFile(folder, 'all', () => ({ maxSize: 1000, maxFiles: 3, maxAge: undefined }))
  const lines = Array.from({ length: 100 }, (_, index) => `${String(index).padStart(98, '.')}\n`)
  for (const line of lines) await file.append(line)
  await file.close()
  const files = await filesOf(folder, 'all')
  assert.equal(files.length, 3)
  assert.ok(files.at(-1)?.endsWith('all.ndjson'))
  const kept = (await Promise.all(files.map((path) => readFile(path, 'utf8')))).join('')
  assert.equal(kept, lines.join('').slice(-kept.length))
  assert.ok(kept.length >= 2000)
  for (const path of files) assert.equal((await stat(path)).mode & 0o777, 0o600)
  // It goes on where it was.
  await file.append('more\n')
  await file.close()
  assert.match(await readFile(join(folder, 'all.ndjson'), 'utf8'), /more\n$/)
})

const hours = (count: number): Date => new Date(Date.now() - count * 3_600_000)

test('a file that is too old makes room, and what is older than it may be is removed', async () => {
  const folder = await emptyFolder()
  const plan = { maxSize: 1000, maxFiles: 4, maxAge: 4 * 3_600_000 }
  const path = join(folder, 'all.ndjson')
  await writeFile(path, 'old\n')
  await utimes(path, hours(2), hours(2))
  const file = new RotatingFile(folder, 'all', () => plan)
  await file.append('new\n')
  await file.close()
  const [old = '', now = ''] = await filesOf(folder, 'all')
  assert.deepEqual([await readFile(old, 'utf8'), await readFile(now, 'utf8')], ['old\n', 'new\n'])
  await removeAged(folder, plan, Date.now())
  assert.equal((await filesOf(folder, 'all')).length, 2)
  await utimes(old, hours(5), hours(5))
  await removeAged(folder, plan, Date.now())
  assert.deepEqual(await filesOf(folder, 'all'), [now])
})

test('periods of files divide a day, and are as long as they have to be', () => {
  const minute = 60_000
  const cases: [ms: number, interval: string][] = [
    [1, '1m'],
    [minute, '1m'],
    [1.1 * minute, '5m'],
    [60 * minute, '1h'],
    [24 * 60 * minute, '1d'],
    [7.5 * 24 * 60 * minute, '8d'],
  ]
  for (const [ms, interval] of cases) assert.equal(intervalOf(ms), interval)
})

test('lines come from the end and from the beginning, whatever their lengths', async (t) => {
  const folder = await emptyFolder()
  const lengths = [0, 1, 10, 65_535, 65_536, 65_537, 3, 200_000, 0, 0, 131_072, 5]
  const lines = lengths.map((length, index) => `${index}:${'é'.repeat(length / 2)}`)
  await writeFile(join(folder, fileOf('all', new Date(0))), `${lines.slice(0, 6).join('\n')}\n`)
  // The last one is being written.
  await writeFile(join(folder, 'all.ndjson'), `${lines.slice(6).join('\n')}\nhalf a line`)
  const files = await OpenedFiles.open(folder, 'all')
  t.after(() => files[Symbol.asyncDispose]())
  assert.deepEqual(await collect(files.forward()), lines)
  assert.deepEqual(await collect(files.backward()), lines.toReversed())
})

test('who reads is not disturbed by what is appended, put aside or removed meanwhile', async (t) => {
  const folder = await emptyFolder()
  const path = join(folder, 'all.ndjson')
  await writeFile(path, 'one\ntwo\nthree\n')
  const files = await OpenedFiles.open(folder, 'all')
  t.after(() => files[Symbol.asyncDispose]())
  const reader = files.backward()
  assert.equal((await reader.next()).value, 'three')
  await appendFile(path, 'four\n')
  await rename(path, join(folder, fileOf('all', new Date())))
  await writeFile(path, 'five\n')
  assert.deepEqual(await collect(reader), ['two', 'one'])
})

test('what the disk refuses is not there, and can be written again', async () => {
  const folder = await emptyFolder()
  const file = new RotatingFile(folder, 'all', () => ({ maxSize: 1e6, maxFiles: 2, maxAge: undefined }))
  await file.append('one\n')
  await file.close()
  // Something that cannot be opened as a file.
  await rename(join(folder, 'all.ndjson'), join(folder, 'kept'))
  await mkdir(join(folder, 'all.ndjson'))
  await assert.rejects(file.append('two\n'), /not a file/)
  await rename(join(folder, 'all.ndjson'), join(folder, 'folder'))
  await rename(join(folder, 'kept'), join(folder, 'all.ndjson'))
  await file.append('two\n')
  await file.close()
  assert.equal(await readFile(join(folder, 'all.ndjson'), 'utf8'), 'one\ntwo\n')
  assert.deepEqual((await readdir(folder)).toSorted(), ['all.ndjson', 'folder'])
})

test('what was cut off in the middle of a line costs no line that follows', async () => {
  const folder = await emptyFolder()
  const path = join(folder, 'all.ndjson')
  const file = new RotatingFile(folder, 'all', () => ({ maxSize: 1e6, maxFiles: 2, maxAge: undefined }))
  await writeFile(path, 'one\nhal')
  await file.append('two\n')
  await file.append('three\n')
  await file.close()
  await file.append('four\n')
  await file.close()
  assert.equal(await readFile(path, 'utf8'), 'one\nhal\ntwo\nthree\nfour\n')
})

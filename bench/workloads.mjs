// What is measured. Each workload runs once in a fresh process, over any contender.
import { footprint, quantile, stopwatch } from './measure.mjs'

const LINE = 'x'.repeat(63)

/** Every line of a talkative child to a callback, as a string. */
async function ingest(contender, { gen, lines }) {
  let count = 0
  let bytes = 0
  const elapsed = stopwatch()
  await contender.ingest(gen[0], [...gen.slice(1), String(lines)], (line) => {
    count++
    bytes += line.length + 1
  })
  const { wall, cpu } = elapsed()
  if (count !== lines) throw new Error(`${count} lines came, not ${lines}`)
  return { lines_s: count / wall, mb_s: bytes / wall / 1e6, cpu_s_gb: cpu / (bytes / 1e9) }
}

/** One line of 64 bytes to an echo and back, again and again. */
async function roundtrip(contender, { echo, trips }) {
  const micros = new Float64Array(trips)
  const { promise, resolve } = Promise.withResolvers()
  let trip = -1000
  let sentAt = 0
  const worker = await contender.open(echo[0], echo.slice(1), () => {
    if (trip >= 0) micros[trip] = (performance.now() - sentAt) * 1e3
    else if (trip === -1) elapsed = stopwatch()
    if (++trip === trips) resolve()
    else send()
  })
  let elapsed
  const send = () => {
    sentAt = performance.now()
    void worker.send(LINE)
  }
  send()
  await promise
  return { p50_us: quantile(micros, 0.5), p99_us: quantile(micros, 0.99), cpu_us: (elapsed().cpu * 1e6) / trips }
}

/** One line to each of many echo workers, and all replies awaited. */
async function fanout(contender, { echo, workers: count, rounds }) {
  const { workers, exchange } = await openAll(contender, echo, count)
  for (let i = 0; i < 3; i++) await exchange(workers)
  const elapsed = stopwatch()
  for (let i = 0; i < rounds; i++) await exchange(workers)
  const { wall, cpu } = elapsed()
  return { msgs_s: (count * rounds) / wall, cpu_us: (cpu * 1e6) / (count * rounds) }
}

/** What a worker costs its master while it waits. Every code path has been used before the first look. */
async function memory(contender, { echo, workers: count }) {
  const first = await openAll(contender, echo, 1)
  await first.exchange(first.workers)
  const before = await footprint()
  const elapsed = stopwatch()
  const { workers, exchange } = await openAll(contender, echo, count)
  await exchange(workers)
  const { wall } = elapsed()
  const after = await footprint()
  const each = (name) => (after[name] - before[name]) / count
  return {
    rss_kib: each('rss'),
    pss_kib: each('pss'),
    heap_kib: each('heap'),
    files: each('files'),
    start_ms: (wall * 1e3) / count,
  }
}

async function openAll(contender, echo, count) {
  let left = 0
  let wake
  const onLine = () => {
    if (--left === 0) wake()
  }
  const open = () => contender.open(echo[0], echo.slice(1), onLine)
  const workers = await Promise.all(Array.from({ length: count }, open))
  const exchange = (to) => {
    left = to.length
    const replied = new Promise((resolve) => (wake = resolve))
    for (const worker of to) void worker.send(LINE)
    return replied
  }
  return { workers, exchange }
}

export const workloads = { ingest, roundtrip, fanout, memory }

// What a call costs: so many workers, so many in flight, small arguments or large ones; and the first call of a new worker.
import { spawn } from 'node:child_process'
import { callers } from './contenders/calls.mjs'
import { footprint, median, quantile, stopwatch, treePss } from './measure.mjs'

/** Of each: the arguments of the i-th lane, and whether that is the answer. */
const PAYLOADS = {
  add: { method: 'add', args: (i) => [i, 1], isRight: (answer, [i]) => answer === i + 1 },
  text: {
    method: 'echo',
    // Its own for each, since some send what they have sent before as a reference.
    args: (i) => [String.fromCharCode(97 + (i % 26)).repeat(65_536)],
    isRight: (answer, [text]) => answer.length === text.length,
  },
  bytes: {
    method: 'echo',
    args: (i) => [Buffer.alloc(65_536, i)],
    isRight: (answer, [bytes]) => answer.byteLength === bytes.length,
  },
}

async function calls(_, { who, inFlight, payload, workers, ms }) {
  // What the first one costs is the library's, what those after it cost is theirs.
  const [first] = await callers[who](1)
  await first('add', 1, 1)
  await footprint()
  const before = treePss()
  const callees = await callers[who](workers)
  const lanes = Array.from({ length: inFlight }, (_lane, i) => laneOf(callees[i % workers], PAYLOADS[payload], i))
  await Promise.all(lanes.slice(0, workers).map((lane) => lane()))
  const pss_mib = (treePss() - before) / workers / 1024
  await callFor(lanes, ms / 2)
  return { ...(await callFor(lanes, ms)), pss_mib }
}

function laneOf(callee, { method, args, isRight }, i) {
  const own = args(i)
  return async () => {
    const answer = await callee(method, ...own)
    if (!isRight(answer, own)) throw new Error(`${method} has answered ${String(answer).slice(0, 80)}`)
  }
}

/** The last of so many are looked at; a list that grows would be collected at the expense of whoever is measured. */
const SAMPLES = 2 ** 18

async function callFor(lanes, ms) {
  const took = new Float64Array(SAMPLES)
  let count = 0
  const elapsed = stopwatch()
  const until = performance.now() + ms
  const run = async (call) => {
    for (let now = performance.now(); now < until;) {
      await call()
      const then = performance.now()
      took[count++ % SAMPLES] = (then - now) * 1e3
      now = then
    }
  }
  await Promise.all(lanes.map(run))
  const { wall, cpu } = elapsed()
  const samples = took.subarray(0, Math.min(count, SAMPLES))
  return {
    calls_s: count / wall,
    p50_us: quantile(samples, 0.5),
    p99_us: quantile(samples, 0.99),
    cpu_us: (cpu * 1e6) / count,
  }
}

/** From nothing to the first answer of one worker, in turns with a bare `node -e 0` from its start to its exit. */
async function cold(_, { who, times }) {
  const seen = { own: [], bare: [], ratio: [] }
  for (let i = -1; i < times; i++) {
    const bare = await millis(bareNode)
    const own = await millis(async () => {
      const [call] = await callers[who](1)
      await call('add', 1, 2)
    })
    if (i < 0) continue
    seen.bare.push(bare)
    seen.own.push(own)
    seen.ratio.push(own / bare)
  }
  return { first_ms: median(seen.own), bare_ms: median(seen.bare), ratio: median(seen.ratio) }
}

function bareNode() {
  return new Promise((resolve) => spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' }).on('exit', resolve))
}

/** SIGKILL of the worker that is called, to the next answer; from a spare, in turns with one that has to be started. */
async function spare(_, { deaths }) {
  const { Pool } = await import(process.env.PAGENT ?? 'pagent')
  const module = new URL('workers/functions.mjs', import.meta.url)
  const pools = [new Pool({ module, size: 1, spares: 1 }), new Pool({ module, size: 1 })]
  const seen = { spare: [], cold: [], ratio: [] }
  for (let i = -1; i < deaths; i++) {
    const [warm, fresh] = [await nextAnswer(pools[0], 2), await nextAnswer(pools[1], 1)]
    if (i < 0) continue
    seen.spare.push(warm)
    seen.cold.push(fresh)
    seen.ratio.push(warm / fresh)
  }
  const [spare_ms, cold_ms, ratio] = Object.values(seen).map(median)
  return { spare_ms, p99_ms: quantile(seen.spare, 0.99), cold_ms, ratio }
}

async function nextAnswer(pool, ready) {
  await pool.start()
  while (pool.stats.ready < ready) await new Promise((resolve) => setTimeout(resolve, 5))
  const pid = await pool.call('pid', [])
  return millis(async () => {
    process.kill(pid, 'SIGKILL')
    await pool.call('add', [1, 2], { onDeath: 'retry' })
  })
}

async function millis(run) {
  const from = performance.now()
  await run()
  return performance.now() - from
}

export const calling = { calls, cold, spare }

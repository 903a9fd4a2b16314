// What is measured about starting: how fast, at what cost for everything else, with how much memory, and after a death.
import { performance } from 'node:perf_hooks'
import { loopClock, median, quantile, stopwatch } from './measure.mjs'

const TRUE = '/bin/true'
const LINE = 'x'.repeat(63)
const LIMITS = { memory: '256MiB', cpuTime: '10s', processes: 64, openFiles: 256 }

/** Starts that end at once, so many in flight, until the time is over. */
async function starts(contender, { ms, inFlight, late }) {
  const run = (name) => contender.run(TRUE, [], name)
  await startFor(run, ms / 4, inFlight)
  const measured = await startFor(run, ms, inFlight)
  return late ? { ...measured, late_ms: await lateness(() => startFor(run, ms, inFlight)) } : measured
}

/** The same in a master that has touched so many bytes, against itself before. */
async function startsBig(contender, { ms, bytes }) {
  const run = (name) => contender.run(TRUE, [], name)
  await startFor(run, ms / 4, 1)
  const small = await startFor(run, ms, 1)
  const ballast = Buffer.alloc(bytes).fill(1)
  await startFor(run, ms / 4, 1)
  const big = await startFor(run, ms, 1)
  if (ballast[bytes - 1] !== 1) throw new Error('the ballast is gone')
  return {
    starts_s: big.starts_s,
    small_s: small.starts_s,
    kept: big.starts_s / small.starts_s,
    block_us: big.block_us,
  }
}

/** With limits and without, in turns. null where they cannot be enforced. */
async function limits(contender, { ms }) {
  const seen = { plain: [], limited: [] }
  const specs = { plain: {}, limited: { limits: LIMITS } }
  try {
    for (const spec of Object.values(specs)) await contender.run(TRUE, [], 0, spec)
  } catch (error) {
    if (error.code === 'ERR_PAGENT_LIMIT_UNSUPPORTED') return null
    throw error
  }
  for (let turn = 0; turn < 8; turn++) {
    for (const [name, spec] of Object.entries(specs)) {
      const { starts_s } = await startFor((lane) => contender.run(TRUE, [], lane, spec), ms / 4, 1)
      seen[name].push(starts_s)
    }
  }
  const longer = seen.plain.map((plain, turn) => plain / seen.limited[turn])
  return { limited_s: median(seen.limited), plain_s: median(seen.plain), longer: median(longer) }
}

/** From the SIGKILL of a worker to the first answer of the one in its place. */
async function recovery(contender, { echo, deaths }) {
  let answered
  const [file, ...args] = echo
  const worker = await (contender.supervise ?? byHand(contender))(file, args, () => answered())
  const ask = async () => {
    const answer = new Promise((resolve) => (answered = resolve))
    void worker.send(LINE)
    await answer
  }
  await ask()
  const millis = []
  for (let i = -5; i < deaths; i++) {
    const from = performance.now()
    await worker.renew()
    await ask()
    if (i >= 0) millis.push(performance.now() - from)
  }
  return { p50_ms: quantile(millis, 0.5), p99_ms: quantile(millis, 0.99) }
}

/** Who has no supervisor starts the next one at the exit of the last. */
function byHand({ open }) {
  return async (file, args, onLine) => {
    let worker = await open(file, args, onLine)
    const renew = async () => {
      process.kill(worker.pid, 'SIGKILL')
      await worker.exited
      worker = await open(file, args, onLine)
    }
    return { send: (line) => worker.send(line), renew }
  }
}

async function startFor(run, ms, inFlight) {
  const called = []
  const busy = []
  const elapsed = stopwatch()
  const loopBusy = loopClock()
  const until = performance.now() + ms
  const lane = async (name) => {
    do {
      const before = loopBusy()
      const at = performance.now()
      const ended = run(name)
      called.push(performance.now() - at)
      await ended
      busy.push(loopBusy() - before)
    } while (performance.now() < until)
  }
  await Promise.all(Array.from({ length: inFlight }, (_, name) => lane(name)))
  const count = called.length
  const block = loopBusy() / count
  const { wall, cpu } = elapsed()
  return {
    starts_s: count / wall,
    block_us: block * 1e3,
    // With others in flight nobody can tell whose time it was.
    ...(inFlight === 1 && { median_us: median(busy) * 1e3 }),
    call_us: median(called) * 1e3,
    cpu_us: (cpu * 1e6) / count,
  }
}

/** How much later than asked a timer of 1 ms comes, in milliseconds: what stands between the loop and everybody else. */
async function lateness(work) {
  const late = []
  let last = performance.now()
  const pulse = setInterval(() => {
    const now = performance.now()
    late.push(now - last - 1)
    last = now
  }, 1)
  await work()
  clearInterval(pulse)
  return quantile(late, 0.99)
}

export const starting = { starts, startsBig, limits, recovery }

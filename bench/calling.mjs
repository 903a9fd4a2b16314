// What a call costs: two workers, so many in flight, small arguments or large ones.
import { quantile, stopwatch } from './measure.mjs'
import { callers } from './contenders/calls.mjs'

const PAYLOADS = {
  add: (i) => ['add', i, 1],
  text: () => ['echo', 'x'.repeat(65_536)],
  bytes: () => ['echo', Buffer.alloc(65_536, 7)],
}

async function calls(_, { who, inFlight, payload, workers, ms }) {
  const lanes = await callers[who](workers)
  const call = (i) => lanes[i % workers](...PAYLOADS[payload](i))
  await Promise.all(lanes.map((_lane, i) => call(i)))
  await callFor(call, ms / 2, inFlight)
  return callFor(call, ms, inFlight)
}

async function callFor(call, ms, inFlight) {
  const took = []
  const elapsed = stopwatch()
  const until = performance.now() + ms
  const lane = async (i) => {
    for (let now = performance.now(); now < until;) {
      await call(i)
      const then = performance.now()
      took.push((then - now) * 1e3)
      now = then
    }
  }
  await Promise.all(Array.from({ length: inFlight }, (_, i) => lane(i)))
  const { wall, cpu } = elapsed()
  const sorted = Float64Array.from(took)
  return {
    calls_s: took.length / wall,
    p50_us: quantile(sorted, 0.5),
    p99_us: quantile(sorted, 0.99),
    cpu_us: (cpu * 1e6) / took.length,
  }
}

export const calling = { calls }

export function callingSuites(rows, { ms }) {
  const suite = (title, options, who, budgets) => ({
    title: `Calling: ${title}`,
    columns: { calls_s: 'calls/s', p50_us: 'median µs', p99_us: 'p99 µs', cpu_us: 'CPU µs/call' },
    contenders: Object.fromEntries(
      who.map((name) => [name, rows.node('calls', 'calls', { who: name, ms, ...options })]),
    ),
    budgets,
  })
  const json = ['pagent', 'fork json', 'threads']
  const binary = ['pagent structured', 'fork advanced', 'threads']
  const many = [
    { value: 'calls_s', over: 'fork json', atLeast: 4 },
    { value: 'calls_s', over: 'threads', atLeast: 2 },
    { value: 'cpu_us', atMost: 2.5 },
  ]
  return {
    calls: suite('add(a, b), 2 workers, 100 in flight', { payload: 'add', workers: 2, inFlight: 100 }, json, many),
    'calls-1000': suite('the same, 1,000 in flight', { payload: 'add', workers: 2, inFlight: 1000 }, json, many),
    'calls-1': suite('add(a, b), 1 worker, 1 in flight', { payload: 'add', workers: 1, inFlight: 1 }, json, [
      { value: 'p50_us', over: 'fork json', atMost: 1 },
    ]),
    'calls-text': suite(
      'a text of 64 KiB there and back, 2 workers, 100 in flight',
      { payload: 'text', workers: 2, inFlight: 100 },
      ['pagent', 'pagent structured', 'fork json', 'fork advanced'],
      [
        { value: 'calls_s', of: 'pagent structured', over: 'fork json', atLeast: 2 },
        { value: 'calls_s', of: 'pagent structured', over: 'fork advanced', atLeast: 2 },
      ],
    ),
    'calls-bytes': suite(
      'a Buffer of 64 KiB there and back, 2 workers, 100 in flight',
      { payload: 'bytes', workers: 2, inFlight: 100 },
      binary,
      [{ value: 'calls_s', of: 'pagent structured', over: 'fork advanced', atLeast: 2 }],
    ),
  }
}

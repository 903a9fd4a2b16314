// The suites about calls: who, what is shown, and what pagent promises.

/** `rows` are the contenders, see rows.mjs. */
export function callingSuites(tools, { ms, deaths }, rows, builds) {
  const row = (workload, options, env) => rows.node('calls', workload, options, env)
  const pagents = (who, workload, options) => ({
    [who]: row(workload, { who, ...options }),
    ...Object.fromEntries(
      builds.map((path) => [`${who} ${path}`, row(workload, { who, ...options }, { PAGENT: path })]),
    ),
  })
  const floor = ({ payload, workers, inFlight }, sockets) => {
    const bytes = payload === 'add' ? 0 : 65_536
    const values = { worker: tools.answer, workers, inFlight, bytes, ms, sockets }
    return { command: [tools.calls, ...Object.entries(values).map(([key, value]) => `${key}=${value}`)], env: {} }
  }
  const floors = (options) =>
    tools.calls === undefined ? {} : { floor: floor(options, 1), 'floor, pipes': floor(options, 0) }
  const suite = (title, work, mine, others, budgets) => {
    const options = { ...work, ms }
    return {
      title: `Calling: ${title}`,
      columns: {
        calls_s: 'calls/s',
        p50_us: 'median µs',
        p99_us: 'p99 µs',
        cpu_us: 'CPU µs/call',
        pss_mib: 'PSS MiB/worker',
      },
      contenders: {
        ...Object.assign({}, ...mine.map((who) => pagents(who, 'calls', options))),
        ...floors(work),
        ...Object.fromEntries(others.map((who) => [who, row('calls', { who, ...options })])),
      },
      budgets,
    }
  }
  const first = (who) => row('cold', { who, times: 8 })

  return {
    calls: suite('add(a, b), 2 workers, 100 in flight', small(2, 100), ['pagent', 'pagent pool'], everybody, [
      { value: 'calls_s', over: 'fork json', atLeast: 4 },
      { value: 'calls_s', over: 'threads', atLeast: 2 },
      { value: 'calls_s', over: 'workerpool', atLeast: 25 },
      { value: 'calls_s', over: 'piscina', atLeast: 25 },
      { value: 'calls_s', over: 'piscina, 50 a thread' },
      { value: 'calls_s', over: 'floor', atLeast: 0.3 },
      { value: 'cpu_us', atMost: 2.5 },
      { value: 'calls_s', of: 'pagent pool', over: 'piscina', atLeast: 25 },
      { value: 'calls_s', of: 'pagent pool', over: 'piscina, 50 a thread' },
      { value: 'cpu_us', of: 'pagent pool' },
    ]),
    'calls-1000': suite('the same, 1,000 in flight', small(2, 1000), ['pagent', 'pagent pool'], everybody, [
      { value: 'calls_s', over: 'fork json', atLeast: 4 },
      { value: 'calls_s', over: 'threads', atLeast: 2 },
      { value: 'cpu_us', atMost: 2.5 },
    ]),
    'calls-1': suite('add(a, b), 1 worker, 1 in flight', small(1, 1), ['pagent', 'pagent pool'], everybody, [
      { value: 'p50_us', over: 'fork json', atMost: 1 },
      { value: 'p50_us', over: 'piscina', atMost: 1 },
      { value: 'p50_us', over: 'floor' },
    ]),
    'calls-text': suite(
      'a text of 64 KiB there and back, 2 workers, 100 in flight',
      { ...small(2, 100), payload: 'text' },
      ['pagent structured', 'pagent', 'pagent pool'],
      everybody,
      [
        { value: 'calls_s', of: 'pagent structured', over: 'fork json', atLeast: 2 },
        { value: 'calls_s', of: 'pagent structured', over: 'fork advanced', atLeast: 2 },
      ],
    ),
    'calls-bytes': suite(
      'a Buffer of 64 KiB there and back, 2 workers, 100 in flight',
      { ...small(2, 100), payload: 'bytes' },
      ['pagent structured', 'pagent pool'],
      ['fork advanced', 'threads', 'piscina', 'piscina, 50 a thread', 'tinypool advanced'],
      [
        { value: 'calls_s', of: 'pagent structured', over: 'fork advanced', atLeast: 2 },
        { value: 'calls_s', of: 'pagent structured', over: 'piscina', atLeast: 1 },
        { value: 'calls_s', of: 'pagent pool', over: 'piscina', atLeast: 1 },
      ],
    ),
    cold: {
      title: 'Calling: from nothing to the first answer of one worker, in turns with a bare `node -e 0`',
      columns: { first_ms: 'first answer ms', bare_ms: 'bare ms', ratio: 'ratio to bare' },
      contenders: {
        ...Object.assign({}, ...['pagent', 'pagent pool'].map((who) => pagents(who, 'cold', { times: 8 }))),
        ...Object.fromEntries(everybody.filter(isOnce).map((who) => [who, first(who)])),
      },
      budgets: [
        { value: 'ratio', atMost: 1.2 },
        { value: 'ratio', of: 'pagent pool' },
        { value: 'ratio', of: 'fork json' },
      ],
    },
    spare: {
      title: `Calling: SIGKILL of a JavaScript worker to the next answer, ${deaths / 10} times, from a spare and from a new one`,
      columns: { ratio: 'ratio', spare_ms: 'from a spare ms', p99_ms: 'p99 ms', cold_ms: 'from a new one ms' },
      contenders: { pagent: row('spare', { deaths: deaths / 10 }) },
      budgets: [
        { value: 'ratio', atMost: 0.15 },
        { value: 'spare_ms', atMost: 10 },
      ],
    },
  }
}

const small = (workers, inFlight) => ({ payload: 'add', workers, inFlight })

const everybody = [
  'fork json',
  'fork advanced',
  'threads',
  'piscina',
  'piscina, 50 a thread',
  'tinypool json',
  'workerpool',
  'jest-worker',
  'vscode-jsonrpc',
]

/** How many at a time is no matter of the first. */
const isOnce = (who) => who !== 'piscina, 50 a thread'

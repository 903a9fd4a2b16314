// The suites about starting: who, what is shown, and what pagent promises.

/** `rows` are the contenders, see rows.mjs. */
export function startingSuites({ echo }, size, rows) {
  const { node, native } = rows
  const all = (workload, options) => ({
    ...native('floor', workload, options),
    ...native('go', workload, options),
    ...native('erlang', workload, options),
    ...rows.bun(workload, options),
    ...rows.pagent(workload, options),
    ...rows.portable(workload, options),
    raw: node('raw', workload, options),
    execa: node('execa', workload, options),
  })
  const columns = { starts_s: 'starts/s', block_us: 'loop busy µs/start' }
  const peers = [
    { value: 'starts_s', over: 'go', atLeast: 1 },
    { value: 'starts_s', over: 'erlang', atLeast: 1 },
    { value: 'starts_s', over: 'bun', atLeast: 1 },
    { value: 'starts_s', over: 'raw', atLeast: 3 },
    { value: 'starts_s', over: 'execa', atLeast: 5 },
    { value: 'starts_s', over: 'floor', atLeast: 0.6 },
  ]
  const { ms, deaths } = size

  return {
    starts: {
      title: 'Starting: /bin/true with a pipe at each stream, start to exit, one at a time',
      columns: { ...columns, median_us: 'its median µs', call_us: 'of it in the call, µs', cpu_us: 'CPU µs/start' },
      contenders: all('starts', { ms, inFlight: 1 }),
      budgets: [...peers, { value: 'median_us', atMost: 100 }, { value: 'block_us' }],
    },
    'starts-32': {
      title: 'Starting: the same, 32 in flight',
      columns: { ...columns, call_us: 'of it in the call, µs', late_ms: 'p99 loop delay ms', cpu_us: 'CPU µs/start' },
      contenders: all('starts', { ms, inFlight: 32, late: true }),
      budgets: [...peers, { value: 'block_us', atMost: 100 }, { value: 'late_ms', atMost: 10 }],
    },
    'starts-big': {
      title: 'Starting: one at a time, from a master that has touched 1 GiB, and from the same one before',
      columns: { starts_s: 'starts/s', small_s: 'starts/s before', kept: 'share kept', block_us: 'loop busy µs/start' },
      contenders: all('startsBig', { ms, bytes: 2 ** 30 }),
      budgets: [
        { value: 'kept', atLeast: 0.8 },
        { value: 'kept', of: 'floor' },
      ],
    },
    limits: {
      title: 'Limits: /bin/true one at a time, with limits on memory, CPU time, processes and files, and without',
      columns: { limited_s: 'starts/s with limits', plain_s: 'without', longer: 'time, ratio to without' },
      contenders: rows.pagent('limits', { ms }),
      budgets: [{ value: 'longer', atMost: 1.1 }],
    },
    recovery: {
      title: `Recovery: SIGKILL to the first answer of the next echo worker, ${deaths} times`,
      columns: { p50_ms: 'median ms', p99_ms: 'p99 ms' },
      contenders: all('recovery', { echo, deaths }),
      budgets: [
        { value: 'p50_ms', over: 'raw', atMost: 0.6 },
        { value: 'p99_ms', over: 'raw' },
      ],
    },
  }
}

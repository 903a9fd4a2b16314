// Which contender runs which workload, what is shown of it, and what pagent promises. A budget without a number is there to explain.
import { callingSuites } from './calling-suites.mjs'
import { rowsOf } from './rows.mjs'
import { startingSuites } from './starting-suites.mjs'
import { supervisingSuites } from './supervising.mjs'

/** Where it matters who is scheduled next. */
const talks = new Set(['roundtrip', 'fanout'])

/** `size` says how much work there is; `builds` are other builds of pagent, to be compared with this one. */
export function suites(tools, size, builds) {
  const { echo, gen } = tools
  const rows = rowsOf(tools, builds)
  const { node, native } = rows
  const all = (workload, options, slow = options) => ({
    ...rows.pagent(workload, options),
    raw: node('raw', workload, options),
    ...(talks.has(workload) && { 'raw, a session each': node('raw', workload, options, { DETACHED: '1' }) }),
    readline: node('readline', workload, options),
    execa: node('execa', workload, slow),
  })
  /** Without readline, because starting so many is what takes the time. */
  const many = (workload, options) => {
    const { readline: _, ...rest } = all(workload, options)
    return rest
  }
  const talk = { echo, workers: size.workers, rounds: size.rounds, trips: size.trips }
  const reader = { gen, lines: size.lines }

  return {
    ingest: {
      title: `Reading: ${size.lines / 1e6} M lines of 100 bytes, each to a callback as a string (execa: a tenth of them)`,
      columns: { lines_s: 'lines/s', mb_s: 'MB/s', cpu_s_gb: 'CPU s/GB' },
      contenders: {
        ...native('floor', 'ingest', reader),
        ...native('go', 'ingest', reader),
        ...all('ingest', reader, { gen, lines: size.lines / 10 }),
      },
      budgets: [
        { value: 'lines_s', over: 'readline', atLeast: 4 },
        { value: 'lines_s', over: 'execa', atLeast: 15 },
        { value: 'lines_s', over: 'go', atLeast: 1.5 },
        { value: 'cpu_s_gb', atMost: 1.3 },
        { value: 'cpu_s_gb', over: 'readline' },
      ],
    },
    roundtrip: {
      title: 'Round trip: a line of 64 bytes to an echo and back, one at a time',
      columns: { p50_us: 'median µs', p99_us: 'p99 µs', cpu_us: 'CPU µs/trip' },
      contenders: { ...native('floor', 'roundtrip', { echo, trips: size.trips }), ...all('roundtrip', talk) },
      budgets: [
        { value: 'p50_us', over: 'raw', atMost: 1 },
        { value: 'p50_us', over: 'raw, a session each' },
      ],
    },
    fanout: {
      title: `Fan-out: one line to ${size.workers} echo workers and all replies awaited, ${size.rounds} times`,
      columns: { msgs_s: 'messages/s', cpu_us: 'CPU µs/message' },
      contenders: {
        ...native('floor', 'fanout', { echo, workers: size.workers, rounds: size.rounds }),
        ...many('fanout', talk),
      },
      budgets: [
        { value: 'msgs_s', over: 'raw', atLeast: 1.05 },
        { value: 'msgs_s', over: 'execa', atLeast: 1.6 },
        { value: 'msgs_s', over: 'raw, a session each' },
        { value: 'cpu_us', over: 'raw' },
      ],
    },
    memory: {
      title: `Waiting: ${size.workers} idle echo workers, what each costs its master (start: until all have replied, per worker)`,
      columns: {
        rss_kib: 'RSS KiB',
        pss_kib: 'PSS KiB',
        heap_kib: 'live heap KiB',
        files: 'files',
        start_ms: 'start ms',
      },
      contenders: {
        ...many('memory', talk),
        'pagent, stderr ignored': node('pagent', 'memory', talk, { STDERR: 'ignore' }),
        ...rows.portable('memory', talk),
        ...native('floor', 'memory', { echo, workers: size.workers }),
        ...native('go', 'memory', { echo, workers: size.workers }),
        ...rows.bun('memory', talk),
      },
      budgets: [
        { value: 'rss_kib', over: 'raw', atMost: 1.2 },
        { value: 'heap_kib', over: 'raw' },
        { value: 'files', atMost: 2 },
        { value: 'files', of: 'pagent, stderr ignored', atMost: 1 },
        { value: 'start_ms', over: 'raw', atMost: 0.4 },
        { value: 'start_ms', over: 'go', atMost: 1 },
      ],
    },
    ...startingSuites(tools, size, rows),
    ...supervisingSuites(rows),
    ...callingSuites(tools, size, rows, builds),
  }
}

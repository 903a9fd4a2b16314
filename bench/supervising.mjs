// What a supervisor costs for each of its children, few or many: their start, the crash and return of a tenth, their stop.
import { stopwatch } from './measure.mjs'

const CRASHES = 5

async function supervise({ keep }, { kind, children }) {
  const ids = Array.from({ length: children }, (_, i) => `child-${i}`)
  // The first time the engine compiles.
  await live(keep(kind, ids.slice(0, 500)))
  return live(keep(kind, ids))
}

async function live({ ids, start, crash, stop }) {
  const start_us = await perChild(ids.length, start)
  const unlucky = ids.filter((_, i) => i % 10 === 0)
  const return_us = await perChild(unlucky.length * CRASHES, async () => {
    for (let i = 0; i < CRASHES; i++) await crash(unlucky)
  })
  return { start_us, return_us, stop_us: await perChild(ids.length, stop) }
}

async function perChild(count, act) {
  const elapsed = stopwatch()
  await act()
  return (elapsed().wall * 1e6) / count
}

export const supervising = { supervise }

/** A supervisor of many costs each child what one of few does. */
export function supervisingSuites(rows) {
  const sizes = (kind, few, many) => ({
    title: `Supervising: ${few} and ${many} ${kind}; a tenth crashes ${CRASHES} times`,
    columns: { start_us: 'start µs/child', return_us: 'crash to return µs/child', stop_us: 'stop µs/child' },
    contenders: {
      pagent: rows.node('pagent', 'supervise', { kind, children: many }),
      few: rows.node('pagent', 'supervise', { kind, children: few }),
    },
    budgets: ['start_us', 'return_us', 'stop_us'].map((value) => ({ value, over: 'few', atMost: 1.5 })),
  })
  return { 'supervise-tasks': sizes('tasks', 1000, 10_000), 'supervise-workers': sizes('workers', 100, 1000) }
}

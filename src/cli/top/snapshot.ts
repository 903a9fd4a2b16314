import { systemClock } from '../../base/clock.ts'
import { formatBytes } from '../../base/units.ts'
import type { FleetStatus, WorkerStatus } from '../../control/api/wire.ts'
import type { Desk } from '../fleet/desk.ts'
import { type Format, isJson, writeObject } from '../fleet/output.ts'
import { chosen } from '../fleet/names.ts'
import { countsText } from '../show/states.ts'
import { harmless } from '../show/text.ts'
import { age } from '../show/times.ts'
import { layoutFor, workerTable } from '../show/worker-table.ts'

/** Prints what all workers use, so many times, a second apart: for pipes, files and programs. */
export async function printSnapshots(
  desk: Desk,
  names: readonly string[],
  format: Format,
  count: number,
): Promise<void> {
  const { client, fleet, screen } = desk
  const workers = names.length === 0 || names.includes('all') ? undefined : names
  if (workers !== undefined) chosen(await client.workers(), workers, fleet)
  let left = count
  for await (const { topic, data } of client.stream(['metrics'], workers === undefined ? {} : { workers })) {
    if (topic !== 'metrics') continue
    const now = await client.fleet()
    if (isJson(format)) writeObject(screen, format, { at: data.at, fleet: now, workers: data.workers })
    else screen.write(text(now, data.workers, format, desk))
    if (--left <= 0) return
    if (!isJson(format)) screen.write('\n')
  }
}

function text(fleet: FleetStatus, workers: readonly WorkerStatus[], format: 'text' | 'wide', { screen }: Desk): string {
  const layout = format === 'wide' ? 'wide' : layoutFor(screen.width)
  return `${[...summary(fleet, workers), '', ...workerTable(workers, layout, screen)].join('\n')}\n`
}

function summary(fleet: FleetStatus, workers: readonly WorkerStatus[]): string[] {
  const sum = (figure: (worker: WorkerStatus) => number | undefined): number =>
    workers.reduce((total, worker) => total + (figure(worker) ?? 0), 0)
  const states = Map.groupBy(workers, ({ state }) => state)
  const counts = Object.fromEntries(Array.from(states, ([state, members]) => [state, members.length]))
  const messages = Math.round(sum((worker) => (worker.messages?.in ?? 0) + (worker.messages?.out ?? 0)))
  return [
    `${harmless(fleet.name)}: ${countsText(counts)}, up ${age(systemClock.date() - fleet.startedAt)}`,
    `cpu ${(sum(({ cpu }) => cpu) * 100).toFixed(1)}%  memory ${formatBytes(sum(({ memory }) => memory))}  ` +
      `msg/s ${messages}  restarts ${sum(({ restarts }) => restarts)}`,
  ]
}

import { relative } from 'node:path'
import type { EntryPlan, FleetPlan, GroupEntry, PoolEntry, WorkerEntry } from '../../control/config/fleet-plan.ts'
import { type Style, wrapped } from '../terminal.ts'
import { factsOf, shownCommand } from './facts.ts'

type Paint = (style: Style, text: string) => string

const WIDTH = 80
/** Where the second column begins, at most. */
const NAMES = 24

/** The fleet for people, in 80 columns, in the order of start. */
export function summary(plan: FleetPlan, paint: Paint, reveal: boolean): string {
  const rows = rowsOf(plan.entries, 0)
  const width = Math.min(NAMES, Math.max(4, ...rows.map(({ name, level }) => name.length + 2 * level))) + 2
  const from = relative(process.cwd(), plan.file)
  return [
    `${paint('bold', plan.name)}: ${countOf(plan.entries)}, from ${from.startsWith('..') ? plan.file : from}`,
    '',
    paint('dim', `START  ${'NAME'.padEnd(width)}RUNS`),
    ...rows.flatMap((row) => linesOf(row, width, paint, reveal)),
    '',
  ].join('\n')
}

/** Replicas are one row. */
interface Row {
  readonly start: number
  readonly name: string
  readonly level: number
  readonly entry: EntryPlan
}

function rowsOf(entries: readonly EntryPlan[], level: number): readonly Row[] {
  const starts = startsOf(entries)
  return entries.flatMap((entry, index) => {
    const last = entries[index - 1]
    if (isReplica(entry) && last?.kind === 'worker' && last.service === entry.service) return []
    const row = { start: starts.get(entry.id) ?? 1, name: nameOf(entry, entries), level, entry }
    return entry.kind === 'group' ? [row, ...rowsOf(entry.children, level + 1)] : [row]
  })
}

function isReplica(entry: EntryPlan): entry is WorkerEntry {
  return entry.kind === 'worker' && entry.id !== entry.service
}

/** `web-1..3`. */
function nameOf(entry: EntryPlan, entries: readonly EntryPlan[]): string {
  if (!isReplica(entry)) return entry.id
  const count = entries.filter((other) => other.kind === 'worker' && other.service === entry.service).length
  return count === 1 ? entry.id : `${entry.id}..${count}`
}

/** How many must be there before it, one after the other. */
function startsOf(entries: readonly EntryPlan[]): ReadonlyMap<string, number> {
  const starts = new Map<string, number>()
  const after = new Map<readonly string[], number>()
  for (const { id, dependsOn, startsAfter = [] } of entries) {
    // Replicas share their list.
    const last = after.get(dependsOn) ?? dependsOn.reduce((most, other) => Math.max(most, starts.get(other) ?? 0), 0)
    after.set(dependsOn, last)
    starts.set(id, 1 + startsAfter.reduce((most, other) => Math.max(most, starts.get(other) ?? 0), last))
  }
  return starts
}

function linesOf({ start, name, level, entry }: Row, width: number, paint: Paint, reveal: boolean): string[] {
  const label = ' '.repeat(2 * level) + name
  const indent = ' '.repeat(7 + width)
  const [first = '', ...more] = wrapped(runsOf(entry), indent, WIDTH)
  const isLong = label.length + 2 > width
  const head = `${paint('dim', String(start).padEnd(7))}${paint('bold', label)}`
  const body = isLong ? [head, first] : [`${head}${' '.repeat(width - label.length)}${first.trimStart()}`]
  const facts = factsOf(entry, reveal)
  const details = facts.length === 0 ? [] : wrapped(facts.join(' · '), indent, WIDTH)
  return [...body, ...more, ...details.map((line) => paint('dim', line))]
}

function runsOf(entry: EntryPlan): string {
  if (entry.kind === 'worker') return shownCommand(entry)
  return entry.kind === 'group' ? groupOf(entry) : poolOf(entry)
}

function groupOf({ strategy, children }: GroupEntry): string {
  return `group of ${children.length}, ${strategy}`
}

function poolOf({ size: { min, max }, module, program }: PoolEntry): string {
  const count = min === max ? String(max) : `${min} to ${max}`
  return `pool of ${count}: ${module ?? shownCommand(program)}`
}

/** `3 workers, 1 pool in 2 groups`. */
function countOf(entries: readonly EntryPlan[]): string {
  const all = flat(entries)
  const count = (kind: EntryPlan['kind'], always: boolean): string[] => {
    const number = all.filter((entry) => entry.kind === kind).length
    return number === 0 && !always ? [] : [`${number} ${kind}${number === 1 ? '' : 's'}`]
  }
  return [...count('worker', true), ...count('pool', false), ...count('group', false)].join(', ')
}

function flat(entries: readonly EntryPlan[]): readonly EntryPlan[] {
  return entries.flatMap((entry) => (entry.kind === 'group' ? [entry, ...flat(entry.children)] : [entry]))
}

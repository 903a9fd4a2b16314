import type { LogRecord, WorkerStatus } from '../../../control/api/wire.ts'
import type { Lines } from '../model/lines.ts'
import { type Row, isWanted, matches } from '../model/rows.ts'
import type { Move } from './intents.ts'
import { type TopState, isInLines, viewOf } from './view.ts'

/** What can be moved in, and how much of it is on the screen. */
export interface Ground {
  readonly rows: readonly Row[]
  readonly lines: Lines
  readonly worker: (id: string) => WorkerStatus | undefined
  /** Rows of the list, of the lines below it or on their own, and of a page of text. */
  readonly room: { readonly list: number; readonly lines: number; readonly text: number }
  /** How long the page of text is. */
  readonly textLength: number
}

export function moved(state: TopState, by: Move, ground: Ground): TopState {
  const { kind } = viewOf(state)
  if (isInLines(state)) return { ...state, anchor: movedAnchor(state, by, ground) }
  if (kind === 'list') return { ...state, selected: movedSelection(state.selected, by, ground) }
  const { textLength, room } = ground
  const last = Math.max(0, textLength - room.text)
  return { ...state, scroll: clamp(state.scroll + distance(by, room.text, textLength), 0, last) }
}

/** Keeps what is chosen on the screen, whatever has come and gone. */
export function settled(state: TopState, ground: Ground): TopState {
  const { rows, room, textLength } = ground
  const places = rows.map(idOf)
  const found = state.selected === undefined ? -1 : places.indexOf(state.selected)
  const selected = found === -1 ? nearest(places, state.offset) : state.selected
  const place = selected === undefined ? 0 : places.indexOf(selected)
  // The first worker of a group shows the name of the group.
  const top = rows[place - 1]?.kind === 'heading' ? place - 1 : place
  const offset = clamp(state.offset, place - room.list + 1, top)
  return {
    ...state,
    selected,
    offset: clamp(offset, 0, Math.max(0, rows.length - room.list)),
    scroll: clamp(state.scroll, 0, Math.max(0, textLength - room.text)),
  }
}

/** Which lines are shown: in the list those of the workers in it, of one worker those that match. */
export function lineTest(state: TopState, worker: Ground['worker']): (record: LogRecord) => boolean {
  const { filter, lineFilter } = state
  if (viewOf(state).kind === 'logs') return ({ msg }) => matches(msg, lineFilter)
  if (filter === '') return () => true
  return (record) => {
    const status = worker(record.worker)
    return status === undefined ? matches(record.worker, filter) : isWanted(status, filter)
  }
}

/** The numbers of the last lines that are shown, up to one or the last of all; the newest last. */
export function lastNumbers(
  lines: Lines,
  test: (record: LogRecord) => boolean,
  anchor: number | undefined,
  most: number,
): number[] {
  const found: number[] = []
  for (
    let number = Math.min(anchor ?? Infinity, lines.end - 1);
    number >= lines.first && found.length < most;
    number--
  ) {
    const record = lines.at(number)
    if (record !== undefined && test(record)) found.push(number)
  }
  return found.toReversed()
}

function movedSelection(selected: string | undefined, by: Move, { rows, room }: Ground): string | undefined {
  const ids = rows.flatMap((row) => idOf(row) ?? [])
  if (ids.length === 0) return selected
  const place = selected === undefined ? 0 : Math.max(0, ids.indexOf(selected))
  return ids[clamp(place + distance(by, room.list, ids.length), 0, ids.length - 1)]
}

function movedAnchor(state: TopState, by: Move, { lines, worker, room }: Ground): number | undefined {
  const numbers = lastNumbers(lines, lineTest(state, worker), undefined, Infinity)
  const { anchor } = state
  const last = numbers.length - 1
  const place = anchor === undefined ? last : numbers.findLastIndex((number) => number <= anchor)
  const next = clamp(place + distance(by, room.lines, numbers.length), Math.min(room.lines - 1, last), last)
  // At the end it follows what comes.
  return next >= last ? undefined : numbers[next]
}

function distance(by: Move, page: number, all: number): number {
  const whole = Math.max(1, page - 1)
  return { up: -1, down: 1, 'page-up': -whole, 'page-down': whole, first: -all, last: all }[by]
}

function idOf(row: Row): string | undefined {
  return row.kind === 'worker' ? row.worker.id : undefined
}

/** Whoever is at that place now, or next to it. */
function nearest(places: readonly (string | undefined)[], place: number): string | undefined {
  return places.slice(place).find((id) => id !== undefined) ?? places.findLast((id) => id !== undefined)
}

function clamp(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(most, value))
}

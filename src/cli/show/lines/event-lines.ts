import { formatMillis } from '../../../base/units.ts'
import { type Exit, describeExit } from '../../../base/exit.ts'
import type { EventRecord } from '../../../control/api/wire.ts'
import type { Style } from '../../terminal.ts'
import type { Screen } from '../screen.ts'
import { cut, harmless, pad } from '../text.ts'
import { timeOfDay } from '../times.ts'
import { colourOf } from './worker-colour.ts'

/** `12:03:04.567  web  exited with code 1 after 2s`: one line for a fact. */
export function eventLine(event: EventRecord, { paint, width }: Pick<Screen, 'paint' | 'width'>): string {
  const who = harmless(event.worker ?? event.supervisor ?? '')
  const what = harmless(textOf(event))
  const room = Math.max(20, width - 14 - Math.max(12, who.length) - 2)
  return `${paint('dim', timeOfDay(event.at))}  ${paint(colourOf(who), pad(who, 12))}  ${paint(styleOf(event), cut(what, room))}\n`
}

const STYLES: Readonly<Record<string, Style>> = {
  ready: 'green',
  'supervisor-started': 'green',
  'restart-scheduled': 'yellow',
  'restart-planned': 'yellow',
  stalled: 'yellow',
  degraded: 'yellow',
  recovered: 'green',
  'fleet-ready': 'green',
  'fleet-incomplete': 'yellow',
  'log-dropped': 'yellow',
  'state-not-written': 'yellow',
  'start-failed': 'red',
  'dependency-failed': 'red',
  'gave-up': 'red',
  abandoned: 'red',
  'callback-failed': 'red',
}

function styleOf({ type, exit }: EventRecord): Style {
  const kind = (exit as Exit | undefined)?.kind
  if (kind !== undefined) return kind === 'normal' || kind === 'stopped' ? 'dim' : 'yellow'
  return STYLES[type] ?? 'reset'
}

type Words = (event: EventRecord) => string

const WORDS: Readonly<Record<string, Words>> = {
  spawned: ({ pid, file }) => `started ${String(file)} (pid ${String(pid)})`,
  ready: ({ after }) => `ready after ${millis(after)}`,
  exited: ({ exit }) => exitText(exit),
  'restart-scheduled': ({ attempt, after }) => `restart ${String(attempt)} in ${millis(after)}`,
  'gave-up': ({ exits }) => `gave up after ${count(exits)} exits; start it again with pagent start`,
  stalled: ({ after }) => `its output stands still: nobody has read it for ${millis(after)}`,
  'left-unread': ({ messages }) => `left ${String(messages)} messages unread`,
  noticed: ({ notice }) => messageOf(notice),
  'callback-failed': ({ callback, error }) => `${String(callback)} failed: ${messageOf(error)}`,
  abandoned: ({ pid }) => `not even SIGKILL ended it (pid ${String(pid)})`,
  deleted: () => 'deleted',
  'start-failed': ({ error }) => messageOf(error),
  'dependency-failed': ({ dependsOn }) => `is not started: it depends on ${list(dependsOn)}, which did not start`,
  degraded: ({ error }) => `its alive check has failed: ${messageOf(error)}`,
  recovered: () => 'its alive check passes again',
  'schedule-started': () => 'started by its schedule',
  'schedule-skipped': ({ why }) => `not started by its schedule: ${String(why)}`,
  'fleet-ready': () => 'the fleet is ready',
  'fleet-incomplete': ({ missing }) => `the start is over, without ${list(missing)}`,
  'fleet-stopping': () => 'the fleet stops',
  applied: ({ added, changed, removed }) =>
    `changed: ${count(added)} added, ${count(changed)} changed, ${count(removed)} removed`,
  'log-dropped': (event) => logText(event),
  'state-not-written': ({ error }) => `its state cannot be written: ${messageOf(error)}`,
  'state-written': () => 'its state can be written again',
  'supervisor-started': ({ after }) => `all started after ${millis(after)}`,
  'supervisor-exited': ({ exit }) => exitText(exit),
  'child-started': ({ child, after }) => `${String(child)} ready after ${millis(after)}`,
  'child-exited': ({ child, exit, next }) => `${String(child)} ${exitText(exit)}; ${String(next)}`,
  'child-abandoned': ({ child }) => `${String(child)} does not end, and is waited for no longer`,
  'restart-planned': ({ child, after, start }) =>
    `restarts ${list(start)} in ${millis(after)}, because of ${String(child)}`,
}

/** What a newer fleet may say is shown as it is. */
function textOf(event: EventRecord): string {
  const words = WORDS[event.type]
  if (words !== undefined) return words(event)
  const { seq: _, at: __, worker: ___, supervisor: ____, incarnation: _____, type, ...rest } = event
  return Object.keys(rest).length === 0 ? type : `${type} ${JSON.stringify(rest)}`
}

function logText({ state, dropped, error }: EventRecord): string {
  if (state === 'failing') return `the log cannot be written: ${messageOf(error)}`
  const lines = `${String(dropped)} lines are missing`
  return state === 'works' ? `the log can be written again; ${lines}` : `the disk is too slow for the log; ${lines}`
}

function exitText(exit: unknown): string {
  try {
    return describeExit(exit as Exit)
  } catch {
    return `ended: ${JSON.stringify(exit)}`
  }
}

function millis(value: unknown): string {
  return typeof value === 'number' ? formatMillis(value) : '?'
}

function list(value: unknown): string {
  return Array.isArray(value) ? value.join(', ') : '?'
}

function count(value: unknown): string {
  return Array.isArray(value) ? String(value.length) : '?'
}

function messageOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : String(error)
}

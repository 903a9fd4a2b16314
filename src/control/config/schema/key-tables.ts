import { BACKOFF_KEYS, INTENSITY_KEYS, LIMIT_KEYS, SHUTDOWN_KEYS } from '../keys/basics.ts'
import { HEALTH_KEYS, READY_KEYS } from '../keys/probes.ts'
import { SCHEDULE_KEYS } from '../keys/schedule.ts'
import { CALL_KEYS, FLEET_KEYS, GROUP_KEYS, LOG_KEYS, POOL_KEYS, RECYCLE_KEYS, WORKER_KEYS } from '../keys/tables.ts'
import { type Key, type Keys, snake } from '../shapes/table.ts'

/** Every key in one table, for the page. */
function keyTable(): string {
  const ofWorkers: Keys = WORKER_KEYS
  const ownOfPools = Object.fromEntries(Object.entries(POOL_KEYS).filter(([name, key]) => ofWorkers[name] !== key))
  const inside = (name: string, keys: Keys): string[] => rowsOf(keys, `${name}.`)
  const rows = [
    ...section('at the top', rowsOf(FLEET_KEYS)),
    ...inside('log', LOG_KEYS),
    ...section('of a worker', rowsOf(WORKER_KEYS)),
    ...inside('ready', READY_KEYS),
    ...inside('healthcheck', HEALTH_KEYS),
    ...inside('limits', LIMIT_KEYS),
    ...inside('shutdown', SHUTDOWN_KEYS),
    ...inside('backoff', BACKOFF_KEYS),
    ...inside('intensity', INTENSITY_KEYS),
    ...inside('schedule', SCHEDULE_KEYS),
    ...section('of a pool, beside those of a program', rowsOf(ownOfPools)),
    ...inside('recycle', RECYCLE_KEYS),
    ...inside('call', CALL_KEYS),
    ...section('of a group', rowsOf(GROUP_KEYS)),
  ]
  return `${HEAD}\n${rows.join('\n')}\n`
}

const [BEGIN, END] = ['<!-- every key, by npm run schema -->', '<!-- end of keys -->']

/** The page with its table anew. */
export function withKeyTable(page: string): string {
  const [before, after] = [page.indexOf(BEGIN), page.indexOf(END)]
  if (before === -1 || after < before) throw new Error(`the page has no place for the table of keys: ${BEGIN} … ${END}`)
  return `${page.slice(0, before + BEGIN.length)}\n\n${keyTable()}\n${page.slice(after)}`
}

const HEAD = '| key | meaning | default |\n|---|---|---|'

function section(title: string, rows: readonly string[]): readonly string[] {
  return [`| **${title}** | | |`, ...rows]
}

function rowsOf(keys: Keys, before = ''): string[] {
  return Object.entries(keys).map(([name, key]) => rowOf(before + snake(name), key))
}

function rowOf(name: string, { about, fallback = '', aliases = [] }: Key<unknown>): string {
  const others = aliases.map((alias) => `, \`${snake(alias)}\``).join('')
  return `| \`${name}\`${others} | ${escaped(about)} | ${escaped(fallback)} |`
}

function escaped(text: string): string {
  return text.replaceAll('|', String.raw`\|`)
}

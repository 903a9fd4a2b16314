import type { Action, WorkerStatus } from '../../../control/api/wire.ts'
import { nearestOf } from '../../../control/config/shapes/suggest.ts'
import { namesOf } from '../../fleet/names.ts'
import { readSignal } from '../../steer/signal.ts'
import { SORT_KEYS, type SortKey } from '../model/rows.ts'

/** What a line behind `:` says. */
export type Command =
  /** Without targets the selected or the marked are meant. */
  | { readonly kind: 'act'; readonly action: Action }
  | { readonly kind: 'send'; readonly worker: string; readonly line: string }
  | { readonly kind: 'open'; readonly view: 'logs' | 'previous' | 'detail' | 'help'; readonly worker?: string }
  | { readonly kind: 'sort'; readonly by: SortKey }
  | { readonly kind: 'filter'; readonly filter: string }
  | { readonly kind: 'quit' }

type Reader = (words: readonly string[], rest: string) => Command

const COMMANDS: Readonly<Record<string, Reader>> = {
  start: (targets) => ({ kind: 'act', action: { action: 'start', targets } }),
  stop: (targets) => ({ kind: 'act', action: { action: 'stop', targets } }),
  restart: (targets) => ({ kind: 'act', action: { action: 'restart', targets } }),
  kill: (targets) => ({ kind: 'act', action: { action: 'signal', signal: 'SIGKILL', targets } }),
  signal: ([signal = '', ...targets]) => ({
    kind: 'act',
    action: { action: 'signal', signal: readSignal(signal), targets },
  }),
  send: ([worker = ''], rest) => {
    const line = rest.slice(worker.length).trimStart()
    if (worker === '') throw new Error('say to whom, and what: send NAME LINE')
    return { kind: 'send', worker, line }
  },
  logs: ([worker]) => open('logs', worker),
  previous: ([worker]) => open('previous', worker),
  status: ([worker]) => open('detail', worker),
  help: () => open('help', undefined),
  sort: ([by = '']) => {
    const key = SORT_KEYS.find((one) => one === by)
    if (key === undefined) throw new Error(`sort by one of ${SORT_KEYS.join(', ')}`)
    return { kind: 'sort', by: key }
  },
  filter: (_, filter) => ({ kind: 'filter', filter }),
  quit: () => ({ kind: 'quit' }),
  q: () => ({ kind: 'quit' }),
}

function open(view: 'logs' | 'previous' | 'detail' | 'help', worker: string | undefined): Command {
  return { kind: 'open', view, ...(worker === undefined ? {} : { worker }) }
}

/**
 * Reads a line, as in `restart web` or `signal HUP web`.
 *
 * @throws Error that says what is wrong with it
 */
export function readCommand(text: string): Command {
  const line = text.trim()
  const [verb = '', ...words] = line.split(/\s+/)
  const reader = Object.hasOwn(COMMANDS, verb) ? COMMANDS[verb] : undefined
  if (reader !== undefined) return reader(words, line.slice(verb.length).trimStart())
  const meant = nearestOf(verb, Object.keys(COMMANDS))
  throw new Error(
    `there is no command ${JSON.stringify(verb)}${meant === undefined ? '; ? shows them' : `. Did you mean ${meant}?`}`,
  )
}

/** The line with its last word completed, as far as that is certain. */
export function completed(text: string, workers: readonly WorkerStatus[]): string {
  const words = text.split(' ')
  const part = words.at(-1) ?? ''
  const known =
    words.length === 1 ? Object.keys(COMMANDS).filter((verb) => verb.length > 1) : wordsAfter(words[0], workers)
  const fitting = known.filter((word) => word.startsWith(part))
  const [first] = fitting
  if (first === undefined) return text
  const sure = fitting.reduce(commonStart, first)
  return [...words.slice(0, -1), sure].join(' ') + (fitting.length === 1 ? ' ' : '')
}

function wordsAfter(verb: string | undefined, workers: readonly WorkerStatus[]): readonly string[] {
  return verb === 'sort' ? SORT_KEYS : [...namesOf(workers), 'all']
}

function commonStart(a: string, b: string): string {
  let length = 0
  while (length < a.length && a[length] === b[length]) length++
  return a.slice(0, length)
}

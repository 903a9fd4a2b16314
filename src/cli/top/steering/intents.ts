import type { SortKey } from '../model/rows.ts'
import type { Key } from './keys.ts'
import { type TopState, viewOf } from './view.ts'

/** What somebody wants, whatever key says so. */
export type Intent =
  | { readonly do: 'move'; readonly by: Move }
  | { readonly do: 'open'; readonly view: 'logs' | 'previous' | 'detail' | 'help' }
  | { readonly do: 'back' | 'leave' | 'quit' | 'suspend' | 'repaint' | 'mark' | 'next-pane' }
  | { readonly do: 'act'; readonly verb: 'restart' | 'stop-or-start' | 'kill' }
  | { readonly do: 'prompt'; readonly kind: 'filter' | 'command' | 'input' }
  | { readonly do: 'edit'; readonly key: Key }
  | { readonly do: 'submit' | 'cancel' | 'complete' }
  | { readonly do: 'answer'; readonly yes: boolean }
  | { readonly do: 'sort'; readonly by: SortKey }
  | { readonly do: 'toggle'; readonly what: 'isWrapped' | 'hasTimes' }

/** By so many lines, or pages, or to an end. */
export type Move = 'up' | 'down' | 'page-up' | 'page-down' | 'first' | 'last'

/** What a key means now; undefined for nothing. */
export function intentOf(key: Key, state: TopState): Intent | undefined {
  const everywhere = EVERYWHERE[key.name]
  if (everywhere !== undefined) return everywhere
  if (state.question !== undefined) return { do: 'answer', yes: key.name === 'y' || key.name === 'Y' }
  if (state.prompt !== undefined) return PROMPT[key.name] ?? { do: 'edit', key }
  const { kind } = viewOf(state)
  return OWN[kind][key.name] ?? COMMON[key.name]
}

type Keys = Readonly<Record<string, Intent>>

const EVERYWHERE: Keys = {
  'ctrl-c': { do: 'quit' },
  'ctrl-z': { do: 'suspend' },
  'ctrl-l': { do: 'repaint' },
}

const PROMPT: Keys = {
  enter: { do: 'submit' },
  escape: { do: 'cancel' },
  tab: { do: 'complete' },
}

const COMMON: Keys = {
  up: { do: 'move', by: 'up' },
  k: { do: 'move', by: 'up' },
  down: { do: 'move', by: 'down' },
  j: { do: 'move', by: 'down' },
  'page-up': { do: 'move', by: 'page-up' },
  'ctrl-b': { do: 'move', by: 'page-up' },
  'page-down': { do: 'move', by: 'page-down' },
  'ctrl-f': { do: 'move', by: 'page-down' },
  home: { do: 'move', by: 'first' },
  g: { do: 'move', by: 'first' },
  end: { do: 'move', by: 'last' },
  G: { do: 'move', by: 'last' },
  escape: { do: 'back' },
  q: { do: 'leave' },
  '?': { do: 'open', view: 'help' },
  ':': { do: 'prompt', kind: 'command' },
}

/** What can be done with a worker. */
const WORKER: Keys = {
  l: { do: 'open', view: 'logs' },
  p: { do: 'open', view: 'previous' },
  d: { do: 'open', view: 'detail' },
  r: { do: 'act', verb: 'restart' },
  s: { do: 'act', verb: 'stop-or-start' },
  'ctrl-k': { do: 'act', verb: 'kill' },
  i: { do: 'prompt', kind: 'input' },
}

const LINES: Keys = {
  '/': { do: 'prompt', kind: 'filter' },
  w: { do: 'toggle', what: 'isWrapped' },
  t: { do: 'toggle', what: 'hasTimes' },
}

const OWN: Readonly<Record<'list' | 'logs' | 'detail' | 'help', Keys>> = {
  list: {
    ...WORKER,
    ...LINES,
    enter: { do: 'open', view: 'logs' },
    ' ': { do: 'mark' },
    tab: { do: 'next-pane' },
    O: { do: 'sort', by: 'fleet' },
    N: { do: 'sort', by: 'name' },
    C: { do: 'sort', by: 'cpu' },
    M: { do: 'sort', by: 'memory' },
    R: { do: 'sort', by: 'restarts' },
  },
  logs: { ...WORKER, ...LINES },
  detail: WORKER,
  help: { '?': { do: 'back' } },
}

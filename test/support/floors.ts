/** The floors of the house, the ground first. */
export const floors: readonly (readonly string[])[] = [
  ['base'], // errors, exits, clock, units, queues
  ['framing'], // bytes ⇄ messages; pure, imports no Node module
  ['channel'], // messages, with back-pressure
  ['process', 'rpc', 'supervisor'], // three engines that never import one another
  ['worker', 'sdk'], // one worker · its mirror inside the child
  ['master', 'pool'], // many workers
  ['cli', 'control', 'dashboard', 'lsp', 'mcp', 'nats', 'testing'], // the doors: what the world touches
]

/** The only rooms that may use packages from the registry; the library itself has no runtime dependency. */
export const furnished: readonly string[] = ['cli', 'control', 'dashboard', 'nats']

/**
 * Why `file` must not import `target` (both are paths below `src/`), or undefined when it may: a file imports from its
 * own folder or from a lower floor; never sideways, never up. Doors may use `control/`. `index.ts` is the front door:
 * it may import all but `cli/`, and only `cli/` may come in through it.
 */
export function whyNot(file: string, target: string): string | undefined {
  const [from, to] = [room(file), room(target)]
  if (from === to) return undefined
  if (from === 'index.ts') return to === 'cli' ? 'the library does not know its command' : undefined
  if (to === 'index.ts') return from === 'cli' ? undefined : 'only cli comes in through the front door'
  const [own, other] = [floorOf(from), floorOf(to)]
  if (own === -1) return `${from} is on no floor (test/support/floors.ts)`
  if (other === -1) return `${to} is on no floor (test/support/floors.ts)`
  const isDoor = own === floors.length - 1
  if (other < own || (isDoor && to === 'control')) return undefined
  return other === own ? `${to} is beside ${from}, not below it` : `${to} is above ${from}`
}

function room(file: string): string {
  return file.split('/', 1)[0] ?? file
}

function floorOf(name: string): number {
  return floors.findIndex((rooms) => rooms.includes(name))
}

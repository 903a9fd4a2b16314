import type { Style } from '../../terminal.ts'

/** What is told apart on a dark and on a light screen; red is for errors, grey for what we say. */
const COLOURS = [
  'cyan',
  'yellow',
  'green',
  'magenta',
  'blue',
  'cyanBright',
  'yellowBright',
  'greenBright',
  'magentaBright',
  'blueBright',
] as const satisfies readonly Style[]

/** The same for the same name, today and tomorrow, whoever else there is. */
export function colourOf(name: string): Style {
  let hash = 2166136261
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 16777619) >>> 0
  return COLOURS[hash % COLOURS.length] ?? 'cyan'
}

import { Option } from 'commander'
import { SCHEMA_VERSION } from '../../control/api/wire.ts'
import type { Screen } from '../show/screen.ts'

export type Format = 'text' | 'wide' | 'json' | 'jsonl'

/** `-o text|wide|json|jsonl`, of every command that shows something. */
export function outputOption(): Option {
  return new Option('-o, --output <format>', 'text, wide, json, or jsonl: one JSON object a line')
    .choices(['text', 'wide', 'json', 'jsonl'])
    .default('text')
}

/** True when a program will read it. */
export function isJson(format: Format): format is 'json' | 'jsonl' {
  return format === 'json' || format === 'jsonl'
}

/** One object; with its schema version, whatever it is. */
export function writeObject(screen: Screen, format: 'json' | 'jsonl', value: object): void {
  const whole = { schemaVersion: SCHEMA_VERSION, ...value }
  screen.write(`${format === 'json' ? JSON.stringify(whole, undefined, 2) : JSON.stringify(whole)}\n`)
}

/** `{ schemaVersion, [name]: items }`, or a line for each item. */
export function writeList(screen: Screen, format: 'json' | 'jsonl', name: string, items: readonly object[]): void {
  if (format === 'json') writeObject(screen, format, { [name]: items })
  else for (const item of items) writeObject(screen, format, item)
}

import { wordsOf } from '../keys/command-line.ts'
import type { Found, FoundEntry, Place, Problems } from './found.ts'

/** One line of a Procfile. */
export interface ProcfileLine {
  readonly name: string
  readonly command: string
  readonly line: number
}

/** `name: command` lines; others are problems. */
export function readProcfile(text: string, problems: Problems): readonly ProcfileLine[] {
  return text.split(/\r?\n/).flatMap((written, index) => {
    const line = index + 1
    if (/^\s*(?:#|$)/.test(written)) return []
    const [, name = '', command = ''] = /^([\w-]+):\s*(\S.*?)\s*$/.exec(written) ?? []
    if (name !== '') return [{ name, command, line }]
    problems.add(
      { path: '', line, column: 1 },
      `expected a line such as web: node server.js, not ${JSON.stringify(written.slice(0, 60))}`,
    )
    return []
  })
}

/** Each line as a worker that a shell starts, with the variables of `.env`, and a PORT of its own as foreman gives it. */
export function fromProcfile(text: string, variables: Readonly<Record<string, string>>, problems: Problems): Found {
  const lines = readProcfile(text, problems)
  const first = firstPort(variables)
  const workers = lines.map(({ name, command, line }, index): FoundEntry => {
    const place = { path: `workers.${name}`, line, column: 1 }
    const env = { ...variables, PORT: String(first + 100 * index) }
    return {
      key: name,
      place,
      value: mapOf(place, { command: listOf(place, ['sh', '-c', shellLine(command)]), env: envOf(place, env) }),
    }
  })
  const place = { path: '', line: 1, column: 1 }
  return mapOf(place, workers.length === 0 ? {} : { workers: { kind: 'map', place, entries: workers } })
}

/** Where the ports begin: foreman's 5000, unless `.env` says something else. */
export function firstPort(variables: Readonly<Record<string, string>>): number {
  const { PORT = '' } = variables
  return /^\d{1,5}$/.test(PORT) ? Number(PORT) : 5000
}

/** What `exec` cannot run, because the shell does it itself. */
const BY_SHELL =
  /^(?:[A-Za-z_]\w*=|(?:if|for|while|until|case|cd|exec|eval|export|set|trap|source|ulimit|umask|wait|read|\.|:|!|\{)(?:\s|$))/

/** The shell steps aside for a simple command: what is stopped, signalled and measured is the program itself. */
export function shellLine(command: string): string {
  const isSimple = !BY_SHELL.test(command) && !/[|&;<>()`\n]/.test(withoutQuotes(command))
  return isSimple ? `exec ${command}` : command
}

/** Redirections of a simple command are fine behind exec, but for what looks like one in quotes. */
function withoutQuotes(command: string): string {
  const words = wordsOf(command)
  return 'words' in words ? '' : command.replaceAll(/'[^']*'/g, '').replaceAll(/\d?>>?&?\s*[\w./-]+|<\s*[\w./-]+/g, '')
}

function mapOf(place: Place, values: Readonly<Record<string, Found>>): Found {
  const entries = Object.entries(values).map(([key, value]): FoundEntry => ({ key, place, value }))
  return { kind: 'map', place, entries }
}

function listOf(place: Place, items: readonly string[]): Found {
  return { kind: 'list', place, items: items.map((text) => scalarOf(place, text)) }
}

function envOf(place: Place, env: Readonly<Record<string, string>>): Found {
  return mapOf(place, Object.fromEntries(Object.entries(env).map(([name, value]) => [name, scalarOf(place, value)])))
}

function scalarOf(place: Place, text: string): Found {
  return { kind: 'scalar', place, value: text, text, loose: false }
}

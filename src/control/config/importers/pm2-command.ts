import { basename, extname } from 'node:path'
import { wordsOf } from '../keys/command-line.ts'
import type { App, Part } from './pm2.ts'

/** pm2 chooses by the name of the file. */
const INTERPRETERS: Readonly<Record<string, string>> = {
  '.js': 'node',
  '.cjs': 'node',
  '.mjs': 'node',
  '.ts': 'node',
  '.mts': 'node',
  '.py': 'python3',
  '.sh': 'bash',
  '.rb': 'ruby',
  '.pl': 'perl',
  '.php': 'php',
}

function scriptOf(app: App): string {
  const { script, cmd, command, exec } = app
  return [script, cmd, command, exec].find((each) => typeof each === 'string') ?? ''
}

export function nameOf(app: App): string {
  const script = scriptOf(app)
  return typeof app['name'] === 'string' ? app['name'] : basename(script.split(' ', 1)[0] ?? '', extname(script))
}

/** The interpreter and its arguments, the script, and its arguments. */
export function commandOf(app: App): Part {
  const script = scriptOf(app)
  const args = listOf(app['args'])
  const notes = [args, listOf(app['interpreter_args'] ?? app['node_args'])].flatMap(({ note }) =>
    note === undefined ? [] : [note],
  )
  // As pm2 does: what is no file but a line is for a shell.
  if (script.includes(' ')) return { values: { command: lineOf(script, args.words) }, notes }
  const interpreter = interpreterOf(app, script)
  const before =
    interpreter === undefined ? [] : [interpreter, ...listOf(app['interpreter_args'] ?? app['node_args']).words]
  const isBare = interpreter === undefined && !script.includes('/') && extname(script) !== ''
  return { values: { command: [...before, isBare ? `./${script}` : script, ...args.words] }, notes }
}

function lineOf(script: string, args: readonly string[]): readonly string[] {
  const line = wordsOf(script)
  if ('words' in line) return [...line.words, ...args]
  return args.length === 0 ? ['sh', '-c', script] : ['sh', '-c', `${script} "$@"`, 'sh', ...args]
}

function interpreterOf(app: App, script: string): string | undefined {
  const given = app['interpreter'] ?? app['exec_interpreter']
  if (given === 'none') return undefined
  return typeof given === 'string' ? given : INTERPRETERS[extname(script)]
}

/** A list, or a line that is parted as a shell does. */
function listOf(given: unknown): { readonly words: readonly string[]; readonly note?: string } {
  if (Array.isArray(given)) return { words: given.map(String) }
  if (typeof given !== 'string' || given.trim() === '') return { words: [] }
  const line = wordsOf(given)
  if ('words' in line) return { words: line.words }
  return { words: given.trim().split(/\s+/), note: `these arguments may need another look: ${given}` }
}

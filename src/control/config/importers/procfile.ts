import { ConfigError } from '../config-error.ts'
import { Problems } from '../found/found.ts'
import { firstPort, readProcfile, shellLine } from '../found/from-procfile.ts'
import { wordsOf } from '../keys/command-line.ts'
import { type WorkerDraft, fleetYaml, freeName } from './fleet-yaml.ts'

/**
 * Translates a Procfile into a `pagent.yaml`.
 *
 * @throws ConfigError for lines that are none of a Procfile.
 */
export function importProcfile(text: string, shown = 'Procfile'): string {
  const problems = new Problems()
  const lines = readProcfile(text, problems)
  if (lines.length === 0 && problems.count === 0)
    problems.add({ path: '' }, 'there is no line such as web: node server.js')
  if (problems.count > 0) throw new ConfigError(undefined, shown, problems.list())
  const taken = new Set<string>()
  const workers = lines.map(({ name, command }, index): WorkerDraft => {
    const port = String(firstPort({}) + 100 * index)
    const env = command.includes('PORT') ? { env: { PORT: port } } : {}
    return {
      name: freeName(name, taken),
      values: { command: commandOf(command), env_file: { path: '.env', required: false }, ...env },
      notes: [],
    }
  })
  return fleetYaml(workers)
}

/** A line that needs no shell gets none. */
function commandOf(command: string): string | readonly string[] {
  const isPlain = 'words' in wordsOf(command) && shellLine(command).startsWith('exec ')
  return isPlain ? command : ['sh', '-c', shellLine(command)]
}

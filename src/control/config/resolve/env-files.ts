import { resolve } from 'node:path'
import { parseEnv } from 'node:util'
import type { Problems } from '../found/found.ts'
import { readTextFile } from '../found/text-file.ts'
import type { PlacedEnvFile } from '../keys/environment.ts'

export type Environment = Record<string, string | null>

/** The variables of these files; the later counts. */
export function readEnvFiles(files: readonly PlacedEnvFile[], folder: string, problems: Problems): Environment {
  return Object.assign({}, ...files.map((file) => readOne(file, folder, problems))) as Environment
}

function readOne({ path, required, found }: PlacedEnvFile, folder: string, problems: Problems): Environment {
  const file = resolve(folder, path)
  const read = readTextFile(file)
  if ('text' in read) return variablesOf(read.text)
  const isMissing = read.problem.startsWith('it does not exist')
  if (required || !isMissing) problems.add(found.place, `the file of variables ${file} cannot be read: ${read.problem}`)
  return {}
}

/** What a `.env` file says. */
export function variablesOf(text: string): Record<string, string> {
  return parseEnv(text) as Record<string, string>
}

import { readdirSync, statSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { ConfigError } from './config-error.ts'

/** In which language a file is written. */
export type Format = 'module' | 'yaml' | 'procfile'

export const OWN_NAMES: readonly string[] = [
  'pagent.config.ts',
  'pagent.config.mts',
  'pagent.config.js',
  'pagent.config.mjs',
  'pagent.yaml',
  'pagent.yml',
]

/** Other tools read it, too: it counts where there is none of ours. */
const PROCFILE = 'Procfile'

/**
 * The absolute path of the file that is meant: the one named, the one in the folder named, or the one in `cwd`.
 *
 * @throws ConfigError
 */
export function findConfig(path: string | undefined, cwd: string): string {
  const named = resolve(cwd, path ?? '.')
  const stats = statSync(named, { throwIfNoEntry: false })
  if (stats === undefined) throw new ConfigError(named, path ?? '.', [{ path: '', message: 'it does not exist' }])
  return stats.isDirectory() ? findIn(named) : named
}

function findIn(folder: string): string {
  const names = namesIn(folder)
  const found = OWN_NAMES.filter((name) => names.has(name))
  const [first, second] = found
  if (second !== undefined)
    throw failure(
      folder,
      `there are ${found.length} of them: ${found.join(' and ')}; keep one, or choose by -f, as in -f ${first}`,
    )
  if (first !== undefined) return resolve(folder, first)
  if (names.has(PROCFILE)) return resolve(folder, PROCFILE)
  throw failure(
    folder,
    'there is none: looked for pagent.config.ts (.mts, .js, .mjs), pagent.yaml (.yml) and Procfile; make one by pagent init, or name one by -f',
  )
}

function namesIn(folder: string): ReadonlySet<string> {
  try {
    return new Set(readdirSync(folder))
  } catch (error) {
    throw failure(folder, `the folder cannot be read (${(error as NodeJS.ErrnoException).code ?? ''})`)
  }
}

function failure(folder: string, message: string): ConfigError {
  return new ConfigError(undefined, `a configuration in ${folder}`, [{ path: '', message }])
}

/** By the name: `Procfile`, `Procfile.dev` and `dev.procfile` are some. */
export function formatOf(path: string): Format | undefined {
  const name = basename(path)
  if (/\.[cm]?[jt]s$/.test(name)) return 'module'
  if (/\.ya?ml$|\.json$/.test(name)) return 'yaml'
  return /^procfile(?:\.|$)|\.procfile$/i.test(name) ? 'procfile' : undefined
}

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const SOURCES = fileURLToPath(new URL('../fixtures', import.meta.url))
const PROGRAMS = fileURLToPath(new URL('../../.cache/fixtures', import.meta.url))

const canRun = (file: string, args: readonly string[]): boolean => spawnSync(file, args).status === 0

/** Why a test of fixtures in C is skipped, false when it is not. */
export const needsCompiler: string | false = canRun('cc', ['--version']) ? false : 'needs cc: apt-get install gcc'

/** The same for Python. */
export const needsPython: string | false = canRun('python3', ['-c', ''])
  ? false
  : 'needs python3: apt-get install python3'

/**
 * The path of a fixture in C, compiled when any of them has changed. Its name holds what it was made from, and it comes
 * to be at once, so tests that run at the same time do not disturb each other.
 */
export function compiled(name: string): string {
  const program = join(PROGRAMS, `${name}-${sourceHash()}`)
  if (existsSync(program)) return program
  mkdirSync(PROGRAMS, { recursive: true })
  const fresh = `${program}.${process.pid}`
  const flags = ['-std=gnu11', '-O1', '-Wall', '-Wextra', '-Werror', '-pthread', '-o', fresh]
  const { status, stderr, error } = spawnSync('cc', [...flags, join(SOURCES, `${name}.c`)], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`cannot compile ${name}.c: ${error?.message ?? stderr}`)
  renameSync(fresh, program)
  return program
}

/** They include each other, so one hash stands for all. */
function sourceHash(): string {
  const hash = createHash('sha256')
  const sources = readdirSync(SOURCES).filter((name) => /\.[ch]$/.test(name))
  for (const name of sources.toSorted()) hash.update(name).update(readFileSync(join(SOURCES, name)))
  return hash.digest('hex').slice(0, 12)
}

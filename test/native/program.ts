import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const STRICT = [
  '-std=gnu11',
  '-g',
  '-O1',
  '-Wall',
  '-Wextra',
  '-Wshadow',
  '-Wconversion',
  '-Wstrict-prototypes',
  '-Werror',
]
const SANITIZED = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all']

/** Compiles files of this repository into a program, and gives its path; it goes when this process does. */
export function program(name: string, sources: readonly string[], options: { readonly sanitized: boolean }): string {
  const path = `${ROOT}.cache/${name}-${process.pid}`
  mkdirSync(`${ROOT}.cache`, { recursive: true })
  process.once('exit', () => rmSync(path, { force: true }))
  // Not every compiler comes with the libraries that watch.
  const fault = options.sanitized ? compile([...STRICT, ...SANITIZED], path, sources) : 'unasked'
  const plainFault = fault === '' ? '' : compile(STRICT, path, sources)
  if (plainFault !== '') throw new Error(`cannot compile ${name}: ${plainFault}`)
  return path
}

function compile(flags: readonly string[], path: string, sources: readonly string[]): string {
  const { status, stderr, error } = spawnSync('cc', [...flags, '-o', path, ...sources], { cwd: ROOT, encoding: 'utf8' })
  return status === 0 ? '' : (error?.message ?? stderr)
}

/** Runs it to its end. What it says, lines of both streams together. */
export async function run(
  path: string,
  args: readonly string[] = [],
): Promise<{ code: number | null; lines: string[] }> {
  const child = spawn(path, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (said += text))
  const code = await new Promise<number | null>((resolve, reject) => child.on('close', resolve).on('error', reject))
  return { code, lines: said.split('\n').filter((line) => line !== '') }
}

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Cli, MAIN, environment } from './cli.ts'
import { Workplace } from './workplace.ts'

const page = readFileSync(fileURLToPath(new URL('../../docs/guide/operating.md', import.meta.url)), 'utf8')

/** A command of the page and what it shows, or a file that is to be written. */
type Step = { readonly command: string; readonly shows: string[] } | { readonly file: string; readonly text: string }

function stepsOf(text: string): Step[] {
  return [...text.matchAll(/^```(?:console|yaml (\S+))\n([^]*?)^```$/gm)].flatMap(([, file, body = '']): Step[] => {
    if (file !== undefined) return [{ file, text: body }]
    const steps: { command: string; shows: string[] }[] = []
    for (const line of body.trimEnd().split('\n')) {
      if (line.startsWith('$ ')) steps.push({ command: line.slice(2), shows: [] })
      else steps.at(-1)?.shows.push(line)
    }
    return steps
  })
}

/** A line that stands for lines: `…` is any text, and alone any number of lines. */
function patternOf(shows: readonly string[]): RegExp {
  const lines = shows.map((line) =>
    line === '…'
      ? '(?:.*\n)*?'
      : `${line
          .split('…')
          .map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`))
          .join('.*')}\n`,
  )
  return new RegExp(`^${lines.join('')}$`)
}

test('the story of the page on operating happens as it is told', async () => {
  const place = new Workplace('')
  const folder = join(realpathSync(place.folder), 'shop')
  const bin = join(place.folder, 'bin')
  for (const path of [folder, bin]) mkdirSync(path)
  writeFileSync(
    join(bin, 'pagent'),
    `#!/bin/sh\nexec '${process.execPath}' --disable-warning=ExperimentalWarning '${MAIN}' "$@"\n`,
  )
  chmodSync(join(bin, 'pagent'), 0o755)
  const env = { ...environment(), ...place.env, PATH: `${bin}:${process.env['PATH']}` }
  let up: Cli | undefined
  try {
    for (const step of stepsOf(page)) {
      if ('file' in step) writeFileSync(join(folder, step.file), step.text)
      else if (step.command === 'pagent up' && up === undefined) {
        up = new Cli(['up'], env, folder)
        for (const line of step.shows) {
          const from = line.startsWith('pagent:') ? 'stderr' : 'stdout'
          await up.until(from, new RegExp(patternOf([line]).source, 'm'))
        }
      } else await meets(step, folder, env)
    }
    assert.equal((await up?.ended)?.code, 0)
  } finally {
    up?.process.kill('SIGKILL')
    await place.close()
  }
})

/** Runs it until it shows what is told: a worker may need a moment to answer. */
async function meets(
  { command, shows }: { command: string; shows: string[] },
  cwd: string,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const pattern = patternOf(shows)
  const mayRepeat = /^pagent (?:ps|logs|status|tree)/.test(command)
  for (let tries = 0; ; tries++) {
    const { stdout } = spawnSync('sh', ['-c', `${command} 2>&1`], { cwd, env, encoding: 'utf8' })
    if (pattern.test(stdout)) return
    if (!mayRepeat || tries === 30) assert.match(stdout, pattern, `$ ${command}`)
  }
}

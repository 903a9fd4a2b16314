import { existsSync, writeFileSync } from 'node:fs'
import { Command } from 'commander'
import { OWN_NAMES } from '../../control/config/find.ts'
import { FAILED } from '../exit-code.ts'
import { tell } from '../terminal.ts'
import { type Starter, starterFiles } from './starter.ts'

const NOTES = `
Writes pagent.yaml, or pagent.config.ts, and hello.mjs, a first worker. Nothing
that exists is overwritten.

Exit code:
  0  they are there
  1  something was there already, or cannot be written; nothing has changed
`

/** `pagent init`: a configuration and a worker, to begin with. */
export function initCommand(finish: (code: number) => void): Command {
  return new Command('init')
    .description('Writes a first configuration, and a worker that works at once.')
    .option('--ts', 'write pagent.config.ts instead of pagent.yaml', false)
    .addHelpText('after', NOTES)
    .action(({ ts }: { ts: boolean }) => finish(begin(starterFiles(ts))))
}

function begin(files: readonly Starter[]): number {
  const names = files.map(({ name }) => name)
  const taken = [...new Set([...OWN_NAMES, ...names])].filter((name) => existsSync(name))
  if (taken.length > 0) {
    tell(
      'error',
      `${taken.join(' and ')} ${taken.length === 1 ? 'is' : 'are'} here already; nothing was written. See what it comes to: pagent check`,
    )
    return FAILED
  }
  try {
    for (const { name, text } of files) writeFileSync(name, text, { flag: 'wx' })
  } catch (error) {
    tell('error', `cannot write here: ${(error as Error).message}`)
    return FAILED
  }
  tell('notice', `wrote ${names.join(' and ')}. Next: pagent up, then pagent send hello world`)
  return 0
}

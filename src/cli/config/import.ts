import { existsSync } from 'node:fs'
import { extname, resolve } from 'node:path'
import { Argument, Command } from 'commander'
import { parse } from 'yaml'
import { systemClock } from '../../base/clock.ts'
import { ConfigError } from '../../control/config/config-error.ts'
import { importDefault } from '../../control/config/found/from-module.ts'
import { readTextFile } from '../../control/config/found/text-file.ts'
import { importPm2 } from '../../control/config/importers/pm2.ts'
import { importProcfile } from '../../control/config/importers/procfile.ts'
import { print, tell } from '../terminal.ts'
import { admitForeignCode } from './foreign-code.ts'

const NOTES = `
Prints a pagent.yaml, and changes nothing. What could not be translated stands in
it as a comment.

Examples:
  pagent import pm2 > pagent.yaml
  pagent import procfile Procfile.dev > pagent.yaml
`

const FILES = {
  pm2: [
    'ecosystem.config.js',
    'ecosystem.config.cjs',
    'ecosystem.config.mjs',
    'ecosystem.config.ts',
    'ecosystem.json',
    'ecosystem.yaml',
    'ecosystem.yml',
    'pm2.json',
    'process.json',
    'process.yml',
  ],
  procfile: ['Procfile'],
} as const

/** `pagent import`: a configuration from that of another tool. */
export function importCommand(finish: (code: number) => void): Command {
  return new Command('import')
    .description('Translates a configuration of another tool into a pagent.yaml.')
    .addArgument(new Argument('<format>', 'of which tool').choices(['pm2', 'procfile']))
    .argument('[file]', 'the file; else one with the usual name in this folder')
    .addHelpText('after', NOTES)
    .action(async (format: keyof typeof FILES, named: string | undefined) => {
      const file = named ?? FILES[format].find((name) => existsSync(name))
      if (file === undefined)
        throw refusal(`a file of ${format}`, `there is none here: looked for ${FILES[format].join(', ')}; name it`)
      const text = format === 'pm2' ? importPm2(await readEcosystem(file), file) : importProcfile(read(file), file)
      print(text)
      const notes = text.split('\n').filter((line) => /^\s+# /.test(line)).length
      if (notes > 0)
        tell('notice', `${notes} ${notes === 1 ? 'thing needs' : 'things need'} your attention: see the comments`)
      finish(0)
    })
}

async function readEcosystem(file: string): Promise<unknown> {
  if (!/^\.[cm]?[jt]s$/.test(extname(file))) return parseData(file)
  read(file)
  admitForeignCode()
  const result = await importDefault(resolve(file), systemClock)
  if ('value' in result) return result.value
  throw refusal(file, `it cannot be loaded: ${result.problem.message}${result.hint}`)
}

/** JSON is YAML. */
function parseData(file: string): unknown {
  try {
    return parse(read(file), { maxAliasCount: 1000 })
  } catch (error) {
    if (error instanceof ConfigError) throw error
    throw refusal(file, `it is neither JSON nor YAML: ${(error as Error).message}`)
  }
}

function read(file: string): string {
  const result = readTextFile(file)
  if ('text' in result) return result.text
  throw refusal(file, result.problem)
}

function refusal(shown: string, message: string): ConfigError {
  return new ConfigError(undefined, shown, [{ path: '', message }])
}

import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { PagentError } from '../base/errors.ts'
import { COMMANDS, type CommandContext, type CommandEntry } from './commands.ts'
import { complaint } from './config/complaint.ts'
import { leaveForeignCode } from './config/foreign-code.ts'
import { FAILED, WRONG_USAGE } from './exit-code.ts'
import { OutputError, print, tell, writeFully } from './terminal.ts'

const EXAMPLES = `
Examples:
  pagent demo                   see what it does, on real programs
  pagent run -- node server.js  one program, supervised, in the foreground
  pagent run --restart always --grace 10s -- ./worker
  pagent doctor                 what this machine can enforce, and how
`

/** Runs one command line; resolves with the exit code, and never rejects for what the user did. */
export async function main(args: readonly string[]): Promise<number> {
  let code = 0
  const context: CommandContext = { finish: (result) => (code = result), version: readVersion() }
  try {
    const program = await buildProgram(args, context)
    await program.parseAsync(args, { from: 'user' })
    return code
  } catch (error) {
    return refuse(error, args)
  } finally {
    leaveForeignCode()
  }
}

/** With every command's name; with the options only of those that `args` name. */
export async function buildProgram(args: readonly string[], context: CommandContext): Promise<Command> {
  const program = new Command('pagent')
    .description('Runs any program as a supervised worker.')
    .version(context.version, '-V, --version')
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .exitOverride()
    // What is wrong is told once, by `refuse`.
    .configureOutput({
      outputError: () => {},
      writeOut: (text) => print(text),
      writeErr: (text) => writeFully(2, text),
      getErrHasColors: () => false,
      getOutHasColors: () => false,
    })
    .addHelpText('after', EXAMPLES)
  for (const entry of COMMANDS) {
    const command = isMeant(entry, args) ? await entry.load(context) : new Command(entry.name)
    command.summary(entry.summary).helpGroup(entry.group).copyInheritedSettings(program)
    program.addCommand(command, { hidden: entry.hidden ?? false })
  }
  return program
}

/** `pagent ps`, `pagent help ps`. */
function isMeant({ name }: CommandEntry, args: readonly string[]): boolean {
  return args[0] === name || (args[0] === 'help' && args[1] === name)
}

/** The source and the built file are equally deep. */
function readVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  return manifest.version
}

function helpFor([command = '']: readonly string[]): string {
  return COMMANDS.some(({ name }) => name === command) ? `pagent ${command} --help` : 'pagent --help'
}

/** Turns what commander or a value's reader says into one paragraph. */
function refuse(error: unknown, args: readonly string[]): number {
  if (error instanceof CommanderError && error.exitCode === 0) return 0
  // The help was shown already, for want of a command.
  if (error instanceof CommanderError && error.code === 'commander.help') return WRONG_USAGE
  if (error instanceof CommanderError || isMisuse(error)) {
    tell('error', `${sentence(error, args)} See: ${helpFor(args)}`)
    return WRONG_USAGE
  }
  if (PagentError.is(error) && error.code === 'ERR_PAGENT_CONFIG') {
    tell('error', complaint(error.message))
    return WRONG_USAGE
  }
  if (error instanceof OutputError) {
    tell('error', error.message)
    return FAILED
  }
  throw error
}

/** The library refuses what can never be started by a sentence; any other TypeError is a bug of ours. */
function isMisuse(error: unknown): error is Error {
  return (error instanceof TypeError || error instanceof RangeError) && error.message.startsWith('Cannot ')
}

function sentence(error: Error, [command]: readonly string[]): string {
  if (command === 'run' && error instanceof CommanderError && error.code === 'commander.missingArgument') {
    return 'there is no program to run; name it behind --, as in: pagent run -- node server.js.'
  }
  const text = error.message.replace(/^error: /, '').replaceAll(/\s*\n\s*/g, ' ')
  return /[.?!)]$/.test(text) ? text : `${text}.`
}

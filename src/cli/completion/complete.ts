import { Command, type Option } from 'commander'
import { COMMANDS, type CommandContext } from '../commands.ts'
import { writeFully } from '../terminal.ts'
import type { FleetOptions } from '../fleet/choice.ts'
import { fleetNames, targetNames } from './from-fleet.ts'

/** One thing that may stand at the cursor. */
export interface Candidate {
  readonly word: string
  readonly about?: string
}

/** Tells the shell to complete the names of files. */
const FILES: Candidate = { word: ':files' }

/** `pagent complete -- words…`, for the shells: a candidate a line, behind a tab what it is. Never fails. */
export function completeCommand({ finish, version }: CommandContext): Command {
  return new Command('complete')
    .description('Prints what may stand at the end of a command line.')
    .argument('[word...]', 'the words so far; the last one is being written')
    .allowUnknownOption()
    .action(async (words: string[]) => {
      const found = await candidates(words, { finish: () => {}, version }).catch(() => [])
      const last = words.at(-1) ?? ''
      const fitting = found.filter((candidate) => candidate === FILES || candidate.word.startsWith(last))
      writeFully(1, fitting.map(({ word, about = '' }) => `${word}\t${about}\n`).join(''))
      finish(0)
    })
}

/** What may stand there, whatever its beginning is. */
async function candidates(words: readonly string[], context: CommandContext): Promise<readonly Candidate[]> {
  const [name = '', ...rest] = words
  if (rest.length === 0 || name === 'help') return commandNames()
  const entry = COMMANDS.find((one) => one.name === name)
  if (entry === undefined) return []
  return ofCommand(await entry.load(context), rest)
}

function commandNames(): Candidate[] {
  const shown = COMMANDS.filter(({ hidden }) => hidden !== true)
  return [
    ...shown.map(({ name, summary }) => ({ word: name, about: summary })),
    { word: 'help', about: 'help for a command' },
  ]
}

async function ofCommand(command: Command, words: readonly string[]): Promise<readonly Candidate[]> {
  const current = words.at(-1) ?? ''
  const before = words.slice(0, -1)
  const awaiting = optionOf(command, before.at(-1))
  if (awaiting !== undefined && takesValue(awaiting)) return valuesOf(awaiting)
  if (current.startsWith('-')) return optionsOf(command)
  const { position, given } = read(command, before)
  return argumentAt(command, position, given)
}

function optionsOf(command: Command): Candidate[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .flatMap(({ long, description }) => (long == null ? [] : [{ word: long, about: description }]))
}

function optionOf(command: Command, flag: string | undefined): Option | undefined {
  return command.options.find(({ short, long }) => flag !== undefined && (flag === short || flag === long))
}

function takesValue({ required, optional }: Option): boolean {
  return required || optional
}

function valuesOf(option: Option): readonly Candidate[] | Promise<readonly Candidate[]> {
  const choices = option.argChoices
  if (choices !== undefined) return choices.map((word) => ({ word }))
  if (option.long === '--fleet') return fleetNames()
  if (option.long === '--exit-code-from') return targetNames({})
  return option.long === '--file' || option.long === '--cwd' ? [FILES] : []
}

/** How many arguments there are already, and which fleet was named. */
function read(command: Command, words: readonly string[]): { position: number; given: FleetOptions } {
  let position = 0
  const given: Record<string, string> = {}
  for (let i = 0; i < words.length; i++) {
    const option = optionOf(command, words[i])
    if (option === undefined) position += words[i]?.startsWith('-') === true ? 0 : 1
    else if (takesValue(option)) given[option.attributeName()] = words[++i] ?? ''
  }
  return { position, given }
}

async function argumentAt(command: Command, position: number, given: FleetOptions): Promise<readonly Candidate[]> {
  const all = command.registeredArguments
  const last = all.at(-1)
  const argument = all[position] ?? (last?.variadic === true ? last : undefined)
  if (argument?.argChoices !== undefined) return argument.argChoices.map((word) => ({ word }))
  switch (argument?.name() ?? '') {
    case 'name':
    case 'target':
      return targetNames(given, argument?.name() === 'target')
    case 'signal':
      return ['HUP', 'INT', 'TERM', 'USR1', 'USR2', 'KILL', 'STOP', 'CONT'].map((word) => ({ word }))
    case 'file':
      return [FILES]
    default:
      return []
  }
}

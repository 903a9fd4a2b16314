import { Command } from 'commander'
import { perform } from './demo/perform.ts'

const NOTES = `
Starts some eighty short-lived processes in ten acts, checks what each act
claims, and ends them all; that takes 5 to 30 seconds. In a terminal it shows
who runs and what is said; elsewhere it prints plain lines.

Exit code:
  0    every promise was kept
  1    one was not, and it says which
  130  interrupted
`

/** `pagent demo`: the promises, kept before your eyes by real programs. */
export function demoCommand(finish: (code: number) => void): Command {
  return new Command('demo')
    .description(
      'Shows what pagent promises, kept by real programs: bash, python3, git, node, cat and some ill-behaved ones.',
    )
    .addHelpText('after', NOTES)
    .action(async () => finish(await perform()))
}

import { Argument, Command } from 'commander'
import type { CommandContext } from '../commands.ts'
import { print } from '../terminal.ts'
import { SHELLS, type Shell, scriptFor } from './scripts.ts'

const NOTES = `
Completes commands, options and their values, and the names of the workers of
the fleet that is meant.

Examples:
  source <(pagent completion bash)     in this shell
  pagent completion bash > ~/.local/share/bash-completion/completions/pagent
  pagent completion zsh > ~/.zfunc/_pagent       behind: fpath=(~/.zfunc $fpath)
  pagent completion fish > ~/.config/fish/completions/pagent.fish
`

/** `pagent completion`: what a shell needs to know. */
export function completionCommand({ finish }: CommandContext): Command {
  return new Command('completion')
    .description('Prints the completion of this command for a shell.')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .addHelpText('after', NOTES)
    .action((shell: Shell) => {
      print(scriptFor(shell))
      finish(0)
    })
}

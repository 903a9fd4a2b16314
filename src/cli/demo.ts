import { Command } from 'commander'

/** `pagent demo` */
export function demoCommand(finish: (code: number) => void): Command {
  return new Command('demo').summary('see its promises kept by real programs').action(() => finish(0))
}

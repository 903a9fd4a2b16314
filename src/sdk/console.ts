import { Console } from 'node:console'

let captured = false

/** What is printed to stdout would be taken for a message: it goes to stderr. */
export function captureConsole(): void {
  if (captured) return
  captured = true
  const stderr = new Console(process.stderr, process.stderr)
  for (const name of [
    'log',
    'info',
    'debug',
    'dir',
    'dirxml',
    'table',
    'group',
    'groupCollapsed',
    'timeEnd',
    'timeLog',
    'count',
  ] as const)
    console[name] = stderr[name].bind(stderr) as typeof console.log
}

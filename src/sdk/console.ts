import { isPipe } from './pipes.ts'

let captured = false

/** What is printed to stdout would be taken for a message: it goes to stderr, whichever way it is printed. */
export function captureConsole(): void {
  if (captured) return
  captured = true
  const names = Object.keys(console) as (keyof Console)[]
  for (const name of names) if (typeof console[name] === 'function' && name !== 'Console') redirect(name)
  if (isPipe(1))
    Object.defineProperty(process, 'stdout', { get: () => process.stderr, configurable: true, enumerable: true })
}

let stderr: Console | undefined

/** stderr is made when something is printed: most workers never do. */
function redirect(name: keyof Console): void {
  const print = (...args: unknown[]): unknown => {
    stderr ??= new console.Console(process.stderr, process.stderr)
    return (stderr[name] as (...args: unknown[]) => unknown)(...args)
  }
  Object.assign(console, { [name]: print })
}

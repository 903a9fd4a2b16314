import { isPipe } from './pipes.ts'

let captured = false

/**
 * Keeps stdout for the messages, from now on: `console.log` and its like, and `process.stdout`, write to stderr. `serve` and
 * `stdio` do it; call it yourself in a program that prints before.
 *
 * ```ts
 * import { captureConsole, serve } from 'pagent/worker'
 * captureConsole()
 * console.log('connecting')
 * const db = await Promise.resolve(new Map([['a', 1]]))
 * await serve({ get: (key: string) => db.get(key) })
 * ```
 */
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

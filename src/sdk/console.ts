import { Console } from 'node:console'

let captured = false

/** What is printed to stdout would be taken for a message: it goes to stderr. */
export function captureConsole(): void {
  if (captured) return
  captured = true
  const stderr = new Console(process.stderr, process.stderr)
  for (const [name, method] of Object.entries(stderr))
    if (typeof method === 'function') Object.assign(console, { [name]: method.bind(stderr) })
}

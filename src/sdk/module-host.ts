// node module-host.js <url>: every function that the module exports can be called. What a pool with a `module` runs.
import { structured } from '../framing/structured/structured.ts'
import { captureConsole } from './console.ts'
import { READY, serve } from './serve.ts'

// Before the module has a chance to print.
captureConsole()
const [, , url = ''] = process.argv
await serve(await load(), { framing: structured(), [READY]: true })

/** What does not load is explained last, where the pool looks for it. */
async function load(): Promise<object> {
  try {
    return (await import(url)) as object
  } catch (error) {
    console.error(error)
    console.error(`Cannot load ${url}: ${error instanceof Error ? error.message : String(error)}`)
    return process.exit(1)
  }
}

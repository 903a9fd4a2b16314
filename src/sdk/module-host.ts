// node module-host.js <url>: every function that the module exports can be called. What a pool with a `module` runs.
import { structured } from '../framing/structured/structured.ts'
import { captureConsole } from './console.ts'
import { READY, serve } from './serve.ts'

// Before the module has a chance to print.
captureConsole()
const [, , url = ''] = process.argv
const api = (await import(url)) as object
await serve(api, { framing: structured(), [READY]: true })

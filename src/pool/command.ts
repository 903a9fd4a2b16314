import { extname, isAbsolute } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { jsonRpc } from '../framing/json-rpc/json-rpc.ts'
import { structured } from '../framing/structured/structured.ts'
import type { WorkerSpec } from '../worker/spec.ts'
import type { PoolSpec } from './spec.ts'

/** What each worker of a pool runs, and what is known of that. */
export interface PoolCommand {
  readonly file: string
  readonly args: readonly string[]
  readonly spec: WorkerSpec<any, any>
}

/** The program that serves a module, as it was built or as it was written. */
const HOST = fileURLToPath(new URL(`../sdk/module-host${extname(import.meta.url)}`, import.meta.url))

/** @throws TypeError */
export function commandOf(id: string, { module, command, args = [] }: PoolSpec): PoolCommand {
  if ((module === undefined) === (command === undefined))
    throw new TypeError(`Cannot make pool "${id}": give either a module or a command`)
  // Both sides are JavaScript: what travels may be anything that can be cloned.
  if (module !== undefined)
    return {
      file: process.execPath,
      args: [HOST, urlOf(id, module)],
      spec: { framing: structured(), ready: 'first-message' },
    }
  return { file: command as string, args, spec: { framing: jsonRpc() } }
}

function urlOf(id: string, module: URL | string): string {
  const text = String(module)
  if (text.startsWith('file:') || text.startsWith('data:')) return text
  if (isAbsolute(text)) return pathToFileURL(text).href
  throw new TypeError(
    `Cannot make pool "${id}": its module ${JSON.stringify(text)} is relative; write new URL(${JSON.stringify(text)}, import.meta.url)`,
  )
}

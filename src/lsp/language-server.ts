import type { Bytes } from '../base/units.ts'
import { contentLength } from '../framing/content-length.ts'
import type { RpcClient } from '../rpc/client.ts'
import type { WorkerSpec } from '../worker/spec.ts'
import type { Worker } from '../worker/worker.ts'

/** A language server, and what it is told in each of its lives. All else is as in any worker's spec. */
export interface LanguageServerOptions extends Omit<
  WorkerSpec<any, any>,
  'framing' | 'ready' | 'onMessage' | 'stdin' | 'stdout'
> {
  /** Members for `initialize`. @default our process id, no root, no capabilities */
  readonly initialize?: object
  /** What it may ask and tell: functions of one object, by their LSP names, such as `workspace/configuration`. */
  readonly serve?: object
  /**
   * Called in each life once it is initialised, and before it counts as ready: the place to open documents, which a server
   * that was restarted knows nothing of.
   */
  readonly onInitialized?: (client: RpcClient, result: any) => void | Promise<void>
  /** Longest message in bytes. @default '16MiB' */
  readonly maxLength?: Bytes
}

/**
 * The spec of a worker that is a language server: it is initialised in each of its lives, counts as ready then, and is told
 * `shutdown` and `exit` before the end of its stdin. Its calls take one object: `worker.rpc({ params: 'by-name' })`.
 *
 * ```ts ignore needs the server
 * import { Master } from 'pagent'
 * import { languageServer } from 'pagent/lsp'
 * const master = new Master()
 * const server = await master.getWorker('json').start('vscode-json-language-server', ['--stdio'], languageServer())
 * await server.rpc({ params: 'by-name' }).call('textDocument/hover', { textDocument, position })
 * ```
 *
 * @throws TypeError, RangeError for options that cannot be.
 */
export function languageServer(options: LanguageServerOptions = {}): WorkerSpec<any, any> {
  const { initialize = {}, serve, onInitialized, maxLength, ...spec } = options
  for (const taken of TAKEN)
    if (taken in spec) throw new TypeError(`Cannot use ${taken} for a language server: it is set by languageServer()`)
  const calls = (worker: Worker<any, any>): RpcClient => worker.rpc({ ...CALLS, ...(serve !== undefined && { serve }) })
  return {
    ...spec,
    framing: contentLength(maxLength === undefined ? {} : { maxLength }),
    ready: async (worker) => {
      const client = calls(worker)
      const result: unknown = await client.call('initialize', { ...ALONE, ...initialize })
      await client.notify('initialized', {})
      await onInitialized?.(client, result)
    },
    shutdown: { farewell: (worker: Worker<any, any>) => sayFarewell(calls(worker)), ...spec.shutdown },
  }
}

const TAKEN = ['framing', 'ready', 'onMessage', 'stdin', 'stdout'] as const

/** A server that does not heed a cancellation is slow, not stuck: LSP leaves that to it. */
const CALLS = { params: 'by-name', cancelGrace: Infinity } as const

/** A server that outlives its client by accident watches for the end of that process. */
const ALONE = { processId: process.pid, rootUri: null, capabilities: {} }

/** The order that LSP wants: without the first, the second would be a failure to the server. */
async function sayFarewell(client: RpcClient): Promise<void> {
  await client.call('shutdown')
  await client.notify('exit')
}

import { ClosedError } from '../../base/errors.ts'
import type { Pool } from '../../pool/pool.ts'
import type { CallOptions, RpcClient } from '../../rpc/client.ts'
import type { CallRequest } from '../api/wire.ts'
import type { Dossier } from './watch/dossier.ts'

/** Writes one line, or one JSON message, to the stdin of a worker. */
export async function sendTo(dossier: Dossier, message: unknown): Promise<void> {
  const { id, worker, entry } = dossier
  if (entry === undefined || entry.framing === 'json-rpc')
    throw new TypeError(`Cannot send to worker "${id}": it serves calls; call one of its methods`)
  if (entry.framing === 'lines' && typeof message !== 'string')
    throw new TypeError(`Cannot send to worker "${id}": it reads lines; send text, not ${JSON.stringify(message)}`)
  if (worker === undefined) throw new ClosedError(`Cannot talk to worker "${id}": it was not started; start it first`)
  await worker.send(message)
  dossier.messagesOut++
}

/** Calls a function of a worker. */
export async function callWorker(dossier: Dossier, request: CallRequest, signal: AbortSignal): Promise<unknown> {
  const { id, worker, entry } = dossier
  if (worker === undefined || entry?.framing !== 'json-rpc')
    throw new TypeError(`Cannot call worker "${id}": it does not serve calls; give it "framing: json-rpc"`)
  dossier.messagesOut++
  const result = await call(worker.rpc(), request, signal)
  dossier.messagesIn++
  return result
}

/** Calls a function of whichever worker of a pool is free. */
export function callPool(pool: Pool, request: CallRequest, signal: AbortSignal): Promise<unknown> {
  return call(pool.with({}), request, signal)
}

function call(client: RpcClient, { method, args, timeout }: CallRequest, signal: AbortSignal): Promise<unknown> {
  const options: CallOptions = { signal, ...(timeout === undefined ? {} : { timeout }) }
  return client.with(options).call(method, ...args) as Promise<unknown>
}

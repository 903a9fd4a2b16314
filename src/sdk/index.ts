/** `pagent/worker`: for programs that are workers. */
export { RpcError } from '../base/errors.ts'
export type { Channel } from '../channel/channel.ts'
export type { CallOptions, RpcClient } from '../rpc/client.ts'
export type { Meta, Propagate } from '../rpc/messages.ts'
export { type CurrentCall, currentCall } from '../rpc/serving/current-call.ts'
export { type ServeOptions, master, serve } from './serve.ts'
export { stdio } from './stdio.ts'

import { type ChannelObserver, StreamChannel } from '../channel/stream-channel.ts'
import type { Channel } from '../channel/channel.ts'
import type { Framing } from '../framing/framing.ts'
import { captureConsole } from './console.ts'
import { stdinSource, stdoutSink } from './pipes.ts'

/**
 * The master, as a channel: what it sends is received, what is sent it receives. `console.log` and its like, and
 * `process.stdout`, write to stderr from then on, since stdout belongs to the messages.
 *
 * ```ts
 * import { lines } from 'pagent/framing'
 * import { stdio } from 'pagent/worker'
 * const master = stdio(lines())
 * for await (const line of master) await master.send(line.toUpperCase())
 * ```
 */
export function stdio<I, O = I>(framing: Framing<I, O>): Channel<I, O> {
  return openStdio(framing)
}

/** `observer` hears what a channel does not tell: what broke it. */
export function openStdio<I, O>(framing: Framing<I, O>, observer?: ChannelObserver): StreamChannel<I, O> {
  captureConsole()
  return new StreamChannel(framing, stdinSource(), stdoutSink(), 'the master', observer)
}

import type { EventRecord, LogRecord, StreamFrame } from '../wire.ts'
import type { Sample } from './hub.ts'

/** A frame as a server-sent event. JSON has no line breaks of its own. */
export function frameText({ topic, data }: StreamFrame): string {
  const id = topic === 'event' ? `id: ${data.seq}\n` : ''
  return `${id}event: ${topic}\ndata: ${JSON.stringify(data)}\n\n`
}

/** For whoever listens to silence: the connection is alive. */
export const HEARTBEAT = ':\n\n'

/** Made once for all readers. */
export const eventText = remembered((data: EventRecord) => frameText({ topic: 'event', data }))
export const sampleText = remembered((data: Sample) => frameText({ topic: 'metrics', data }))
export const logText = remembered((data: LogRecord) => sized(frameText({ topic: 'log', data })))
export const logLine = remembered((record: LogRecord) => sized(`${JSON.stringify(record)}\n`))

/** Text, and how many bytes it is. */
function sized(text: string): { readonly text: string; readonly size: number } {
  return { text, size: Buffer.byteLength(text) }
}

function remembered<K extends object, V>(make: (key: K) => V): (key: K) => V {
  const known = new WeakMap<K, V>()
  return (key) => {
    const found = known.get(key) ?? make(key)
    known.set(key, found)
    return found
  }
}

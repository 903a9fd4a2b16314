import { type Framing, copyOf, unencodable } from './framing.ts'

/**
 * Bytes as they come: a message is whatever one read brought, 64 KiB at most. For filters and binary streams.
 *
 * ```ts
 * import { raw } from 'pagent/framing'
 * raw().decoder().push(Uint8Array.of(1, 2), (bytes) => console.log(bytes.length)) // → 2
 * ```
 */
export function raw(): Framing<Uint8Array> {
  return {
    name: 'raw',
    decoder: () => ({
      push: (chunk, emit) => emit(copyOf(chunk, 0, chunk.length)),
      end: () => {},
    }),
    encode(message) {
      if (message instanceof Uint8Array) return message
      throw unencodable('raw', `raw() carries a Uint8Array, not ${typeof message}`)
    },
  }
}

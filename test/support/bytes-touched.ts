const TYPED = Object.getPrototypeOf(Uint8Array.prototype) as Record<string, unknown>

type Method = (this: Uint8Array, ...args: unknown[]) => unknown

/** How many bytes one call has read or moved, from what it was given and what it found. */
const COSTS: Readonly<Record<string, (self: Uint8Array, args: readonly any[], result: any) => number>> = {
  set: (_, [source]) => source.length,
  slice: (_self, _args, result) => result.length,
  copyWithin: (self, [_to, from, to = self.length]) => to - from,
  indexOf: (self, [_value, from = 0], at) => (at === -1 ? self.length : at + 1) - from,
  lastIndexOf: (self, [_value, from = self.length - 1], at) => from - at,
}

/**
 * Counts the bytes that `work` copies, searches and decodes: what its time is made of, without the noise of a clock.
 * Wraps the methods of every typed array meanwhile, so `work` must be synchronous.
 */
export function bytesTouched(work: () => void): number {
  let touched = 0
  const undo = Object.entries(COSTS).map(([name, cost]) =>
    wrap(TYPED, name, (self, args, result) => (touched += cost(self as Uint8Array, args, result))),
  )
  const decoder = TextDecoder.prototype as unknown as Record<string, unknown>
  undo.push(wrap(decoder, 'decode', (_, [bytes]) => (touched += (bytes as Uint8Array).length)))
  try {
    work()
  } finally {
    for (const restore of undo) restore()
  }
  return touched
}

function wrap(
  owner: Record<string, unknown>,
  name: string,
  seen: (self: unknown, args: unknown[], result: unknown) => void,
): () => void {
  const original = owner[name] as Method
  owner[name] = function (this: Uint8Array, ...args: unknown[]): unknown {
    const result = original.apply(this, args)
    seen(this, args, result)
    return result
  }
  return () => void (owner[name] = original)
}

/** Bytes of a slab: as many as a pipe takes at once. */
const SIZE = 2 ** 16
/** So many are kept for the next, for all who use any. */
export const SLABS_KEPT = 64

/** Memory for bytes that are on their way out: to make it anew for each message would cost several times what copying costs. */
export class Slab {
  readonly bytes: Buffer = Buffer.allocUnsafeSlow(SIZE)
  /** So many have been put in. */
  used = 0

  get length(): number {
    return this.used
  }

  /** How many more there is room for. */
  get room(): number {
    return SIZE - this.used
  }

  /** What has been put in. */
  get view(): Uint8Array {
    return this.used === SIZE ? this.bytes : this.bytes.subarray(0, this.used)
  }

  /** Takes what fits of `bytes` from `from` on; returns where it stopped. */
  add(bytes: Uint8Array, from: number): number {
    const end = Math.min(bytes.length, from + this.room)
    this.bytes.set(from === 0 && end === bytes.length ? bytes : bytes.subarray(from, end), this.used)
    this.used += end - from
    return end
  }

  /** Nobody reads it any more. */
  free(): void {
    this.used = 0
    if (spare.length < SLABS_KEPT) spare.push(this)
  }
}

const spare: Slab[] = []

export function takeSlab(): Slab {
  return spare.pop() ?? new Slab()
}

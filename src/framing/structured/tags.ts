/** The byte in front of each value of a frame. Both sides must agree on them: new ones are added at the end. */
export const TAG = {
  end: 0,
  undefined: 1,
  null: 2,
  true: 3,
  false: 4,
  /** A zigzag varint. */
  integer: 5,
  double: 6,
  bigint: 7,
  /** UTF-8 behind one byte of length. */
  short: 8,
  /** UTF-8 behind four bytes of length. */
  long: 9,
  /** UTF-16, for text with half a pair of surrogates. */
  halves: 10,
  /** Something that came before, by its number. */
  again: 11,
  /** Names and values, to the end. */
  object: 12,
  /** A name that came before, by its number. */
  name: 13,
  /** Values, to the end; then names and values, to the end. */
  array: 14,
  hole: 15,
  /** A length, then names and values, to the end. */
  sparse: 16,
  /** Four bytes of size, then keys and values. */
  map: 17,
  /** Four bytes of size, then values. */
  set: 18,
  date: 19,
  regexp: 20,
  error: 21,
  buffer: 22,
  view: 23,
  boxed: 24,
} as const

/** On the wire a kind of view is its index. */
export const VIEWS = [
  'Buffer',
  'Uint8Array',
  'Int8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
  'DataView',
  'Float16Array',
] as const

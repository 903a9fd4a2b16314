/**
 * How often a test that tries something many times tries it: all of it, or the share in `PAGENT_TEST_SCALE` (0 to 1), for
 * a second Node version in the same judgement.
 */
export function scaled(times: number): number {
  return Math.max(1, Math.ceil(times * Number(process.env['PAGENT_TEST_SCALE'] ?? 1)))
}

/** Milliseconds that are enough here, and `PAGENT_TEST_SLOW` times as many on a machine that is so much slower. */
export function stretched(ms: number): number {
  return ms * Math.max(1, Number(process.env['PAGENT_TEST_SLOW'] ?? 1))
}

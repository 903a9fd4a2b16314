/** Deeper than that nothing of ours goes: exits of supervisors within exits of supervisors. */
const DEEPEST = 12

/**
 * A value as JSON can carry it: errors become `{ name, code, message }`, what cannot be said is left out. Whoever prints it,
 * prints what it was.
 */
export function plain(value: unknown, depth = 0): unknown {
  if (value instanceof Error) return plainError(value, depth)
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (typeof value === 'function' || typeof value === 'symbol') return undefined
  if (typeof value !== 'object' || value === null) return value
  if (depth > DEEPEST) return '…'
  if (Array.isArray(value)) return value.map((item) => plain(item, depth + 1) ?? null)
  if (value instanceof RegExp || value instanceof URL) return String(value)
  const entries = Object.entries(value).map(([key, item]) => [key, plain(item, depth + 1)] as const)
  return Object.fromEntries(entries.filter(([, item]) => item !== undefined))
}

function plainError(error: Error, depth: number): unknown {
  const { name, message, cause } = error
  const code = 'code' in error ? { code: String(error.code) } : {}
  return {
    name,
    ...code,
    message,
    ...(cause instanceof Error && depth < 3 ? { cause: plainError(cause, depth + 1) } : {}),
  }
}

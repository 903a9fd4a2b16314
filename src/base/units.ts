/** A duration: milliseconds as a number, or text such as `'250ms'`, `'10s'`, `'5m'`, `'1.5h'`, `'2d'`. */
export type Millis = number | string

/** A size: bytes as a number, or text such as `'512B'`, `'64KiB'`, `'256MiB'`, `'1.5GiB'`, `'10kB'`, `'1MB'`. */
export type Bytes = number | string

const MILLIS: Readonly<Record<string, number>> = { ms: 1, s: 1e3, m: 60e3, h: 3600e3, d: 86_400e3 }
const BYTES: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
}

/**
 * Reads a duration. `what` names the option in the error.
 *
 * @throws RangeError for a negative, non-finite or unreadable value.
 */
export function parseMillis(value: Millis, what: string): number {
  return parse(value, what, MILLIS, "a duration: milliseconds, or text such as '500ms', '10s', '5m'")
}

/**
 * Reads a size. `what` names the option in the error.
 *
 * @throws RangeError for a negative, non-finite or unreadable value.
 */
export function parseBytes(value: Bytes, what: string): number {
  return Math.floor(parse(value, what, BYTES, "a size: bytes, or text such as '64KiB', '256MiB'"))
}

function parse(
  value: number | string,
  what: string,
  units: Readonly<Record<string, number>>,
  expected: string,
): number {
  const found = typeof value === 'number' ? value : parseText(value, units)
  if (found >= 0 && (Number.isFinite(found) || value === Infinity)) return found
  const shown = typeof value === 'string' ? JSON.stringify(value) : String(value)
  throw new RangeError(`Cannot use ${shown} as ${what}: expected ${expected}`)
}

function parseText(text: unknown, units: Readonly<Record<string, number>>): number {
  const match = typeof text === 'string' ? /^(\d+(?:\.\d+)?)\s*([a-zA-Z]*)$/.exec(text.trim()) : null
  if (match === null) return Number.NaN
  const unit = match[2] === '' ? 1 : units[match[2] ?? '']
  return Number(match[1]) * (unit ?? Number.NaN)
}

/** A unit for people: its name, its size, and how many of it are one of the next. */
type Step = readonly [unit: string, size: number, next: number]

const TIMES: readonly Step[] = [
  ['ms', 1, 1000],
  ['s', 1000, 60],
  ['m', 60_000, 60],
  ['h', 3_600_000, Infinity],
]
const SIZES: readonly Step[] = [
  ['B', 1, 1024],
  ['KiB', 2 ** 10, 1024],
  ['MiB', 2 ** 20, 1024],
  ['GiB', 2 ** 30, Infinity],
]

/** `1234` → `'1.2s'`: a duration for people. */
export function formatMillis(ms: number): string {
  return format(ms < 1000 ? Math.round(ms) : ms, TIMES)
}

/** `1572864` → `'1.5MiB'`: a size for people. */
export function formatBytes(bytes: number): string {
  return format(bytes, SIZES)
}

/** Rounds before it chooses the unit: 59.96 seconds are 1m, not 60s. */
function format(value: number, steps: readonly Step[]): string {
  for (const [unit, size, next] of steps) {
    const rounded = Math.round((value / size) * 10) / 10
    if (rounded < next) return `${rounded}${unit}`
  }
  return '∞'
}

const BARS = '▁▂▃▄▅▆▇█'
/** Less of a core is no more than noise. */
const QUIET = 0.1

/** Figures as bars, the newest at the right; `ceiling` is as high as a bar gets. Always so wide; blank where there was nothing. */
export function sparkline(values: readonly number[], width: number, ceiling: number): string {
  const bars = values.slice(-width).map((value) => barOf(value / ceiling))
  return bars.join('').padStart(width)
}

/** Shares of a core; the highest bar is the most that was seen. */
export function cpuLine(values: readonly number[], width: number): string {
  return sparkline(values, width, most(values, QUIET))
}

/** Bytes; the highest bar is the limit, or else twice the most that was seen: then what stands still is no alarm. */
export function memoryLine(values: readonly number[], width: number, limit?: number): string {
  return sparkline(values, width, limit ?? 2 * most(values, 1))
}

function most(values: readonly number[], least: number): number {
  return values.reduce((high, value) => (value > high ? value : high), least)
}

function barOf(share: number): string {
  if (Number.isNaN(share)) return ' '
  const height = Math.max(0, Math.min(BARS.length - 1, Math.floor(share * BARS.length)))
  return BARS[height] ?? ''
}

/** `850ms`, `14s`, `2m 14s`, `3h 02m`, `5d 04h`: how long, in seven characters at most. */
export function age(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))}ms`
  const seconds = Math.floor(ms / 1000)
  if (seconds < 60) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes}m ${two(seconds % 60)}s`
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return `${hours}h ${two(minutes % 60)}m`
  return `${Math.floor(hours / 24)}d ${two(hours % 24)}h`
}

/** `12:03:04.567`, by the clock on the wall. */
export function timeOfDay(date: number): string {
  const at = new Date(date)
  const [hours, minutes, seconds] = [at.getHours(), at.getMinutes(), at.getSeconds()].map(two)
  return `${hours}:${minutes}:${seconds}.${String(at.getMilliseconds()).padStart(3, '0')}`
}

/** `2026-11-26 12:03:04`, by the clock on the wall. */
export function dateAndTime(date: number): string {
  const at = new Date(date)
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${timeOfDay(date).slice(0, 8)}`
}

function two(number: number): string {
  return String(number).padStart(2, '0')
}

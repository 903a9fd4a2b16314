import { parseMillis } from '../../../base/units.ts'
import type { App, Part } from './pm2.ts'

/** When it is started again, how often, and after what wait. */
export function restartsOf(app: App): Part {
  const parts = [whenOf(app), howOftenOf(app), waitOf(app)]
  return {
    values: Object.assign({}, ...parts.map(({ values }) => values)) as Part['values'],
    notes: parts.flatMap(({ notes }) => notes),
  }
}

function whenOf({ autorestart, cron_restart: cron, stop_exit_codes: codes }: App): Part {
  const isOnce = autorestart === false
  if (isOnce && typeof cron === 'string')
    return { values: { schedule: { cron, overlap: 'restart' }, restart: 'no' }, notes: [] }
  const notes =
    cron === undefined || cron === 0 || cron === '0'
      ? []
      : [`not translated: cron_restart: ${JSON.stringify(cron)}; for what ends by itself write schedule`]
  const list = codes === undefined ? [] : [codes].flat().map(Number)
  if (isOnce) return { values: { restart: 'no' }, notes }
  if (list.length === 0) return { values: {}, notes }
  const isZero = list.length === 1 && list[0] === 0
  return {
    values: { restart: 'on-failure' },
    notes: isZero ? notes : [...notes, `stop_exit_codes: only 0 is no failure here, not ${list.join(', ')}`],
  }
}

/** pm2 counts restarts in a row of lives shorter than `min_uptime`; here it is restarts within a time. */
function howOftenOf({ max_restarts: most, min_uptime: uptime }: App): Part {
  if (most === undefined && uptime === undefined) return { values: {}, notes: [] }
  const [restarts, shortest] = [Number(most ?? 16), millisOf(uptime ?? 1000)]
  if (!Number.isInteger(restarts) || restarts < 0 || shortest === undefined || shortest <= 0)
    return {
      values: {},
      notes: ['not translated: max_restarts, min_uptime; write intensity: { restarts: …, within: … }'],
    }
  return {
    values: { intensity: { restarts, within: `${Math.ceil((shortest * (restarts + 1)) / 1000)}s` } },
    notes: ['max_restarts and min_uptime: about the same as this intensity, which counts restarts within a time'],
  }
}

function waitOf({ restart_delay: delay, exp_backoff_restart_delay: growing }: App): Part {
  const [fixed, first] = [millisOf(delay), millisOf(growing)]
  if (first !== undefined && first > 0)
    return { values: { backoff: { min: `${first}ms`, max: '15s', factor: 1.5, jitter: 0 } }, notes: [] }
  if (fixed !== undefined && fixed > 0)
    return { values: { backoff: { min: `${fixed}ms`, max: `${fixed}ms`, jitter: 0 } }, notes: [] }
  return { values: {}, notes: [] }
}

function millisOf(value: unknown): number | undefined {
  try {
    return typeof value === 'number' || typeof value === 'string' ? parseMillis(value, 'it') : undefined
  } catch {
    return undefined
  }
}

import { InvalidArgumentError } from 'commander'
import { systemClock } from '../../base/clock.ts'
import { readDuration } from '../run/values.ts'

/** `5m` ago, `2026-11-26`, `2026-11-26T09:30` or `09:30` today: milliseconds since 1970. */
export function readSince(value: string): number {
  const today = new Date(systemClock.date())
  if (/^(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?$/.test(value)) {
    const [hours = 0, minutes = 0, seconds = 0] = value.split(':').map(Number)
    return today.setHours(hours, minutes, seconds, 0)
  }
  if (/^\d{4}-\d{2}-\d{2}/.test(value)) {
    // A date alone is read as one of Greenwich; people mean their own.
    const date = Date.parse(value.length === 10 ? `${value}T00:00` : value.replace(' ', 'T'))
    if (!Number.isNaN(date)) return date
  } else {
    try {
      return today.getTime() - readDuration(value)
    } catch (error) {
      if (error instanceof InvalidArgumentError && error.message.startsWith('Say')) throw error
    }
  }
  throw new InvalidArgumentError(
    "Expected a duration such as '5m', a time such as '09:30', or a date such as '2026-11-26T09:30'",
  )
}

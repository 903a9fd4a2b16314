import { statSync } from 'node:fs'
import { InvalidArgumentError } from 'commander'
import { parseBytes, parseMillis } from '../../base/units.ts'
import type { Restart } from '../../supervisor/child.ts'
import type { Intensity } from '../../supervisor/intensity.ts'

const RESTARTS: Readonly<Record<string, Restart>> = {
  no: 'temporary',
  'on-failure': 'transient',
  always: 'permanent',
  temporary: 'temporary',
  transient: 'transient',
  permanent: 'permanent',
}

export function readRestart(value: string): Restart {
  const restart = RESTARTS[value]
  if (restart !== undefined) return restart
  throw new InvalidArgumentError('Expected no, on-failure or always (or temporary, transient, permanent)')
}

/** A duration with its unit: after `sleep 10` and `timeout 10`, a bare 10 that means milliseconds is a trap. */
export function readDuration(value: string): number {
  if (/^\d+(\.\d+)?$/.test(value) && Number(value) !== 0) {
    throw new InvalidArgumentError(`Say the unit: ${value}s or ${value}ms`)
  }
  try {
    return parseMillis(value, 'it')
  } catch {
    throw new InvalidArgumentError("Expected a duration such as '500ms', '10s', '5m' or '1.5h'")
  }
}

/** As a duration; 0 would be no time at all, and some read it as no limit. */
export function readLimit(value: string): number {
  const limit = readDuration(value)
  if (limit > 0) return limit
  throw new InvalidArgumentError('Expected more than 0; leave it out for no limit')
}

/** A size with its unit: a bare 256 that means bytes is a trap, too. */
export function readBytes(value: string): number {
  if (/^\d+(\.\d+)?$/.test(value)) throw new InvalidArgumentError(`Say the unit: ${value}MiB or ${value}B`)
  let bytes = 0
  try {
    bytes = parseBytes(value, 'it')
  } catch {
    throw new InvalidArgumentError("Expected a size such as '64KiB', '256MiB', '1.5GiB'")
  }
  if (bytes > 0) return bytes
  throw new InvalidArgumentError('Expected more than 0; leave it out for no limit')
}

export function readCount(value: string): number {
  if (/^\d+$/.test(value) && Number(value) >= 1 && Number.isSafeInteger(Number(value))) return Number(value)
  throw new InvalidArgumentError('Expected a whole number from 1')
}

export function readCpus(value: string): number {
  if (/^\d+(\.\d+)?$/.test(value) && Number(value) > 0) return Number(value)
  throw new InvalidArgumentError('Expected a number such as 0.5 or 2')
}

/** A duration as an option takes it, not rounded. */
export function exactMillis(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`
}

/** A size as an option takes it, not rounded. */
export function exactBytes(bytes: number): string {
  const [unit, size] = (
    [
      ['GiB', 2 ** 30],
      ['MiB', 2 ** 20],
      ['KiB', 2 ** 10],
    ] as const
  ).find(([, whole]) => bytes % whole === 0) ?? ['B', 1]
  return `${bytes / size}${unit}`
}

export function readPattern(value: string): RegExp {
  try {
    return new RegExp(value)
  } catch (error) {
    throw new InvalidArgumentError(`Not a regular expression: ${(error as Error).message}`)
  }
}

/** `KEY=VALUE`, added to the ones before it. */
export function readVariable(value: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const at = value.indexOf('=')
  if (at > 0) return { ...before, [value.slice(0, at)]: value.slice(at + 1) }
  throw new InvalidArgumentError('Expected KEY=VALUE')
}

/** `5/1m`: five restarts within a minute. */
export function readIntensity(value: string): Intensity {
  const [restarts = '', within, ...more] = value.split('/')
  if (!/^\d+$/.test(restarts) || within === undefined || more.length > 0) {
    throw new InvalidArgumentError('Expected a number and a duration, such as 5/1m for five restarts within a minute')
  }
  return { restarts: Number(restarts), within: readDuration(within) }
}

export function readFolder(value: string): string {
  if (statSync(value, { throwIfNoEntry: false })?.isDirectory() === true) return value
  throw new InvalidArgumentError('There is no such directory')
}

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatBytes, formatMillis, parseBytes, parseMillis } from '../../src/base/units.ts'

const DURATIONS: [given: number | string, milliseconds: number][] = [
  [0, 0],
  [1.5, 1.5],
  [Infinity, Infinity],
  ['0', 0],
  ['250', 250],
  ['250ms', 250],
  ['10s', 10_000],
  ['1.5s', 1500],
  ['5m', 300_000],
  ['1.5h', 5_400_000],
  ['2d', 172_800_000],
  [' 10 s ', 10_000],
]

const SIZES: [given: number | string, bytes: number][] = [
  [0, 0],
  [1.9, 1],
  [Infinity, Infinity],
  ['512', 512],
  ['512B', 512],
  ['10kB', 10_000],
  ['10KB', 10_000],
  ['1MB', 1_000_000],
  ['2GB', 2_000_000_000],
  ['64KiB', 65_536],
  ['256MiB', 268_435_456],
  ['1.5GiB', 1_610_612_736],
  ['0.3KiB', 307],
]

describe('a duration', () => {
  for (const [given, milliseconds] of DURATIONS) {
    it(`of ${JSON.stringify(given)} is ${milliseconds} ms`, () => assert.equal(parseMillis(given, 'x'), milliseconds))
  }
})

describe('a size', () => {
  for (const [given, bytes] of SIZES) {
    it(`of ${JSON.stringify(given)} is ${bytes} bytes`, () => assert.equal(parseBytes(given, 'x'), bytes))
  }
})

const shown = (value: unknown): string => (typeof value === 'string' ? JSON.stringify(value) : String(value))

describe('what is neither is refused, with its value and the name of its option', () => {
  const bad: unknown[] = [
    -1,
    Number.NaN,
    -Infinity,
    '',
    ' ',
    '-1s',
    '1e3',
    '.5s',
    '1,5s',
    '10 apples',
    '5constructor',
    's',
  ]
  const odd: unknown[] = [undefined, null, {}, [], true, 10n, `${'9'.repeat(400)}d`]
  const wrongUnits = { millis: ['10MiB', '10S', '10min', '10B'], bytes: ['10s', '1M', '1mib', '1kb'] }

  for (const value of [...bad, ...odd, ...wrongUnits.millis]) {
    it(`${shown(value).slice(0, 40)} as a duration`, () => {
      assert.throws(() => parseMillis(value as string, 'limits.wallTime'), {
        name: 'RangeError',
        message: `Cannot use ${shown(value)} as limits.wallTime: expected a duration: milliseconds, or text such as '500ms', '10s', '5m'`,
      })
    })
  }
  for (const value of [...bad, ...odd, ...wrongUnits.bytes]) {
    it(`${shown(value).slice(0, 40)} as a size`, () => {
      assert.throws(() => parseBytes(value as string, 'limits.memory'), {
        name: 'RangeError',
        message: `Cannot use ${shown(value)} as limits.memory: expected a size: bytes, or text such as '64KiB', '256MiB'`,
      })
    })
  }
})

describe('for people', () => {
  const durations: [number, string][] = [
    [0, '0ms'],
    [0.4, '0ms'],
    [999, '999ms'],
    [999.6, '1s'],
    [1000, '1s'],
    [1234, '1.2s'],
    [59_940, '59.9s'],
    [59_960, '1m'],
    [60_000, '1m'],
    [90_000, '1.5m'],
    [3_599_999, '1h'],
    [3_600_000, '1h'],
    [90 * 3_600_000, '90h'],
    [Infinity, '∞'],
  ]
  for (const [ms, text] of durations) it(`${ms} ms are ${text}`, () => assert.equal(formatMillis(ms), text))

  const sizes: [number, string][] = [
    [0, '0B'],
    [1023, '1023B'],
    [1024, '1KiB'],
    [1536, '1.5KiB'],
    [2 ** 20 - 1, '1MiB'],
    [2 ** 20, '1MiB'],
    [1_572_864, '1.5MiB'],
    [2 ** 30, '1GiB'],
    [5 * 2 ** 40, '5120GiB'],
    [Infinity, '∞'],
  ]
  for (const [bytes, text] of sizes) it(`${bytes} bytes are ${text}`, () => assert.equal(formatBytes(bytes), text))
})

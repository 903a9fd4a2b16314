import { fileURLToPath } from 'node:url'
import { type Found, type FoundEntry, MOST_LEVELS, MOST_VALUES, type Problems, below } from './found.ts'

/** Reads what a JavaScript module exports: plain objects and arrays of values. */
export function fromValue(value: unknown, problems: Problems): Found | undefined {
  return new ValueReader(problems).read(value, '', 0)
}

class ValueReader {
  readonly #problems: Problems
  #values = 0

  constructor(problems: Problems) {
    this.#problems = problems
  }

  read(value: unknown, path: string, level: number): Found | undefined {
    const place = { path }
    if (++this.#values > MOST_VALUES) return this.#tooMany(path)
    if (level > MOST_LEVELS)
      return this.#refuse(path, `this is nested more than ${MOST_LEVELS} levels deep, or in itself`)
    try {
      if (Array.isArray(value)) return { kind: 'list', place, items: this.#items(value, path, level) }
      if (isPlain(value)) return { kind: 'map', place, entries: this.#entries(value, path, level) }
    } catch (error) {
      return this.#refuse(path, `this cannot be read: ${String(error)}`)
    }
    return { kind: 'scalar', place, ...plainOf(value), loose: false }
  }

  #items(list: readonly unknown[], path: string, level: number): Found[] {
    const items = Array.from(list, (item, index) => this.read(item, below(path, index), level + 1))
    return items.filter((item) => item !== undefined)
  }

  #entries(map: object, path: string, level: number): FoundEntry[] {
    return Object.entries(map).flatMap(([key, value]: [string, unknown]) => {
      const place = { path: below(path, key) }
      const found = this.read(value, place.path, level + 1)
      return found === undefined ? [] : [{ key, place, value: found }]
    })
  }

  #refuse(path: string, message: string): undefined {
    this.#problems.add({ path }, message)
  }

  /** Told once. */
  #tooMany(path: string): undefined {
    if (this.#values === MOST_VALUES + 1) this.#refuse(path, `there are more than ${MOST_VALUES} values in this`)
  }
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

/** A URL of a file is its path, as everywhere in the library. */
function plainOf(value: unknown): { value: unknown; text: string } {
  if (value instanceof URL && value.protocol === 'file:') return plainOf(fileURLToPath(value))
  return {
    value,
    text: value !== null && (typeof value === 'object' || typeof value === 'function') ? '' : String(value),
  }
}

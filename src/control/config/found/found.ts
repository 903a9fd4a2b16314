import type { ConfigProblem } from '../config-error.ts'

/** Where something stands: what leads to it, and its line and column where the file has any. */
export interface Place {
  readonly path: string
  readonly line?: number
  readonly column?: number
}

/** What stands somewhere in a configuration, whichever language that is written in. */
export type Found = FoundMap | FoundList | FoundScalar | FoundBroken

export interface FoundMap {
  readonly kind: 'map'
  readonly place: Place
  readonly entries: readonly FoundEntry[]
}

export interface FoundEntry {
  readonly key: string
  /** Of the key. */
  readonly place: Place
  readonly value: Found
}

export interface FoundList {
  readonly kind: 'list'
  readonly place: Place
  readonly items: readonly Found[]
}

export interface FoundScalar {
  readonly kind: 'scalar'
  readonly place: Place
  readonly value: unknown
  /** As it is written: a number keeps its digits, 3.10 stays 3.10. */
  readonly text: string
  /** It came out of a variable, and so is text that may stand for a number. */
  readonly loose: boolean
}

/** It could not be read, and that has been said: nothing more is said about it. */
interface FoundBroken {
  readonly kind: 'broken'
  readonly place: Place
  /** It was not said yet, and matters only where somebody needs the value. */
  readonly problem?: string
}

/** Collects everything that is wrong, so that it can be told at once. */
export class Problems {
  readonly #list: ConfigProblem[] = []

  /** More help nobody: who has so many has one mistake many times. */
  get isFull(): boolean {
    return this.#list.length >= 1000
  }

  /** So many are told by now that it is no use to say what may have been meant: to find that out takes its time. */
  get areMany(): boolean {
    return this.#list.length >= 100
  }

  add({ path, line, column }: Place, message: string): void {
    if (this.isFull) return
    const position = line === undefined ? {} : { line, ...(column === undefined ? {} : { column }) }
    this.#list.push({ path, ...position, message })
  }

  get count(): number {
    return this.#list.length
  }

  /** In the order of the file. */
  list(): readonly ConfigProblem[] {
    return this.#list.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0))
  }
}

/** `workers` and `web` → `workers.web`. */
export function below(path: string, key: string | number): string {
  if (typeof key === 'number') return `${path}[${key}]`
  const name = /^[\w-]+$/.test(key) ? key : JSON.stringify(key)
  return path === '' ? name : `${path}.${name}`
}

/** For people: `"10x"`, `5`, `a list`. */
export function shown(found: Found): string {
  if (found.kind !== 'scalar') return found.kind === 'list' ? 'a list' : 'a map'
  const { value } = found
  if (value === null || value === undefined) return 'nothing'
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 59)}…` : value)
  if (typeof value === 'number' || typeof value === 'boolean') return found.text
  return typeof value === 'object' ? `a ${value.constructor?.name ?? 'strange object'}` : `a ${typeof value}`
}

/** A key of JavaScript with undefined is as good as none. */
export function isAbsent(found: Found): boolean {
  return found.kind === 'scalar' && found.value === undefined
}

/** Deeper than that nobody writes by hand. */
export const MOST_LEVELS = 40

/** With everything that aliases stand for. */
export const MOST_VALUES = 250_000

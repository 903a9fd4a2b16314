import { type FoundMap, type Place, type Problems, isAbsent } from '../found/found.ts'
import { type JsonSchema, type Shape, refuse } from './shape.ts'
import { didYouMean } from './suggest.ts'

/** A key: what may stand behind it, and what it is for. */
export interface Key<T> {
  readonly shape: Shape<T>
  /** One sentence, for the page and for editors. */
  readonly about: string
  /** What it is when nobody says; for people. */
  readonly fallback?: string
  /** Other names, in camel case. */
  readonly aliases?: readonly string[]
}

/** By their names in camel case. */
export type Keys = Readonly<Record<string, Key<any>>>

type ValueOf<K> = K extends Key<infer T> ? T : never

/** What a map said, by key. */
export interface Reading<K extends Keys> {
  readonly place: Place
  get<N extends keyof K & string>(key: N): ValueOf<K[N]> | undefined
  /** Whether it was written, also where it could not be read. */
  has(key: keyof K & string): boolean
  /** Whether a key that does not exist was probably meant to be it: that has been said already. */
  isMeant(key: keyof K & string): boolean
  /** Where the key stands, or the map. */
  at(key: keyof K & string): Place
}

/** `readyTimeout` → `ready_timeout`: how YAML spells it. */
export function snake(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

/** Every way to write a key, the one for YAML first. */
export function spellingsOf(name: string, { aliases = [] }: Key<unknown>): readonly string[] {
  return [...new Set([snake(name), name, ...aliases.flatMap((alias) => [snake(alias), alias])])]
}

/** What to say to whom comes with a key of another tool. */
export type Foreign = Readonly<Record<string, string>>

/** A map with these keys and no others, but for `x-…`, which belongs to whoever writes it. */
export function table<K extends Keys>(expected: string, keys: K, foreign: Foreign = {}): Shape<Reading<K>> {
  const meanings = new Map(
    Object.entries(keys).flatMap(([name, key]) => spellingsOf(name, key).map((spelling) => [spelling, name])),
  )
  const suggested = Object.keys(keys).map(snake)
  return {
    expected,
    get schema() {
      return schemaOf(keys)
    },
    read: (found, problems) => {
      if (found.kind !== 'map') return refuse(found, problems, expected)
      return readTable(found, problems, keys, meanings, (key) => adviceOn(key, foreign, suggested))
    },
  }
}

function adviceOn(key: string, foreign: Foreign, suggested: readonly string[]): string {
  const known = Object.hasOwn(foreign, snake(key)) ? foreign[snake(key)] : undefined
  return known ?? didYouMean(key, suggested)
}

function readTable<K extends Keys>(
  found: FoundMap,
  problems: Problems,
  keys: K,
  meanings: ReadonlyMap<string, string>,
  advise: (key: string) => string,
): Reading<K> {
  const values = new Map<string, unknown>()
  const advices: string[] = []
  const places = new Map<string, { readonly place: Place; readonly key: string }>()
  for (const { key, place, value } of found.entries) {
    const name = meanings.get(key)
    const earlier = places.get(name ?? '')
    if (key.startsWith('x-') || isAbsent(value)) continue
    if (name === undefined) {
      const advice = problems.areMany ? '' : advise(key)
      advices.push(advice)
      problems.add(place, `there is no key ${JSON.stringify(key)}${advice}`)
    } else if (earlier !== undefined)
      problems.add(place, `${key} says the same as ${earlier.key}${lineOf(earlier.place)}; leave one out`)
    else {
      places.set(name, { place, key })
      values.set(name, keys[name]?.shape.read(value, problems))
    }
  }
  return {
    place: found.place,
    get: (key) => values.get(key) as never,
    has: (key) => places.has(key),
    isMeant: (key) => advices.some((advice) => advice.split(/\W+/).includes(snake(key))),
    at: (key) => places.get(key)?.place ?? found.place,
  }
}

function lineOf({ line }: Place): string {
  return line === undefined ? '' : ` in line ${line}`
}

/** Editors offer the spelling of YAML; the others are accepted. No two may say the same. */
function schemaOf(keys: Keys): JsonSchema {
  const entries = Object.entries(keys)
  const others = entries.flatMap(([name, key]) =>
    spellingsOf(name, key)
      .slice(1)
      .map((spelling) => [`^${spelling}$`, key.shape.schema] as const),
  )
  const conflicts = entries.flatMap(([name, key]) => pairsOf(spellingsOf(name, key)))
  return {
    type: 'object',
    properties: Object.fromEntries(
      entries.map(([name, { shape, about, fallback }]) => [
        snake(name),
        { description: fallback === undefined ? about : `${about} Default: ${fallback}.`, ...besides(shape.schema) },
      ]),
    ),
    patternProperties: { ...Object.fromEntries(others), '^x-': {} },
    additionalProperties: false,
    ...(conflicts.length === 0 ? {} : { not: { anyOf: conflicts.map((required) => ({ required })) } }),
  }
}

/** In draft 7 nothing else counts beside a `$ref`. */
function besides(schema: JsonSchema): JsonSchema {
  return '$ref' in schema ? { allOf: [schema] } : schema
}

function pairsOf(names: readonly string[]): (readonly [string, string])[] {
  return names.flatMap((first, index) => names.slice(index + 1).map((second) => [first, second] as const))
}

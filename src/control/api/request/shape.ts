import { constants } from 'node:os'
import { badRequest } from '../problem.ts'

/** Takes a value that came from outside as a `T`, or throws a `ControlError` that says where it is none. */
export type Shape<T> = (value: unknown, path: string) => T

/** Nothing that means anything is nested so deeply, and a stack has an end. */
const LONGEST_PATH = 4096

/** What was sent, in the place named by `path`, is not what was expected. */
function unfit(path: string, value: unknown, expected: string): never {
  throw badRequest(`${path} is ${show(value)}: expected ${expected}`)
}

function show(value: unknown): string {
  if (value === undefined) return 'missing'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'object' && value !== null) return 'an object'
  const text = JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}

export const text: Shape<string> = (value, path) => (typeof value === 'string' ? value : unfit(path, value, 'text'))

/** Of at least one character. */
export const name: Shape<string> = (value, path) =>
  typeof value === 'string' && value !== '' ? value : unfit(path, value, 'a name')

export const flag: Shape<boolean> = (value, path) =>
  typeof value === 'boolean' ? value : unfit(path, value, 'true or false')

/** From 0 on, finite: all JSON can carry. */
export const amount: Shape<number> = (value, path) =>
  typeof value === 'number' && value >= 0 ? value : unfit(path, value, 'a number from 0')

/** JSON has no `Infinity`: it comes as null. */
export const amountOrEndless: Shape<number> = (value, path) => (value === null ? Infinity : amount(value, path))

export const anything: Shape<any> = (value) => value

export function oneOf<const T extends string | number>(...choices: readonly T[]): Shape<T> {
  return (value, path) =>
    choices.includes(value as T)
      ? (value as T)
      : unfit(path, value, choices.map((one) => JSON.stringify(one)).join(', '))
}

/** One of this system. */
export const anySignal = oneOf(...(Object.keys(constants.signals) as NodeJS.Signals[]))

/** May be left out. */
export function optional<T>(shape: Shape<T>): Shape<T | undefined> {
  return (value, path) => (value === undefined ? undefined : shape(value, path))
}

export function orNull<T>(shape: Shape<T>): Shape<T | null> {
  return (value, path) => (value === null ? null : shape(value, path))
}

export function list<T>(shape: Shape<T>): Shape<readonly T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) return unfit(path, value, 'an array')
    return value.map((item, index) => shape(item, `${path}[${index}]`))
  }
}

export function record<T>(shape: Shape<T>): Shape<Readonly<Record<string, T>>> {
  return (value, path) => {
    const entries = Object.entries(objectAt(value, path))
    return Object.fromEntries(entries.map(([key, item]) => [key, shape(item, `${path}.${key}`)]))
  }
}

/** These members, each as it says, and no others. Gains a compile error when `T` gains a member. */
export function members<T extends object>(shapes: { readonly [K in keyof T]-?: Shape<T[K]> }): Shape<T> {
  const known = Object.keys(shapes) as (keyof T & string)[]
  return (value, path) => {
    const given = objectAt(value, path)
    const unknown = Object.keys(given).find((key) => !known.includes(key as keyof T & string))
    if (unknown !== undefined)
      throw badRequest(`${path} has ${JSON.stringify(unknown)}, which does not exist: expected ${known.join(', ')}`)
    const read = known.map((key) => [key, shapes[key](given[key], `${path}.${key}`)] as const)
    // In the order in which they came.
    return { ...given, ...Object.fromEntries(read.filter(([, item]) => item !== undefined)) } as T
  }
}

/** One of several kinds, told apart by one member. */
export function kinds<T extends object>(tag: string, shapes: Readonly<Record<string, Shape<T>>>): Shape<T> {
  const choose = oneOf(...Object.keys(shapes))
  return (value, path) => {
    const kind = choose(objectAt(value, path)[tag], `${path}.${tag}`)
    return (shapes[kind] as Shape<T>)(value, path)
  }
}

function objectAt(value: unknown, path: string): Record<string, unknown> {
  if (path.length > LONGEST_PATH) throw badRequest(`${path.slice(0, 60)}… is nested too deeply`)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return unfit(path, value, 'an object')
  return value as Record<string, unknown>
}

/** Anything that can be called from the other side: functions, by their names. */
export type Methods = ReadonlyMap<string, (...args: any[]) => unknown>

/**
 * The functions that an object or a module has itself, and nothing else: no name reaches what is inherited. A method
 * named `constructor` or `__proto__` is one like others, if it is there.
 *
 * @throws TypeError
 */
export function methodsOf(api: object): Methods {
  if (typeof api !== 'object' || api === null)
    throw new TypeError(
      `Cannot serve ${api === null ? 'null' : typeof api}: expected an object whose functions are the methods`,
    )
  const methods = new Map<string, (...args: any[]) => unknown>()
  for (const name of Object.getOwnPropertyNames(api)) {
    const value: unknown = Object.getOwnPropertyDescriptor(api, name)?.value
    if (typeof value === 'function') methods.set(name, value as () => unknown)
  }
  return methods
}

/**
 * Where in a message the first function or symbol is: `message.params[0].done`. Just `message` where none is found: it
 * looks at 10,000 members, so that the error does not cost more than the message.
 */
export function pathToUnclonable(message: unknown): string {
  const seen = new Set<unknown>([message])
  const waiting: [path: string, value: unknown][] = [['message', message]]
  for (const [path, value] of waiting) {
    if (typeof value === 'function' || typeof value === 'symbol') return path
    if (seen.size > MEMBERS_MAX) break
    for (const [name, member] of membersOf(value)) {
      if (seen.has(member)) continue
      seen.add(member)
      waiting.push([path + stepTo(value, name), member])
    }
  }
  return 'message'
}

const MEMBERS_MAX = 10_000

function membersOf(value: unknown): Iterable<[name: unknown, member: unknown]> {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return []
  if (value instanceof Map) return value
  if (value instanceof Set) return value.entries()
  try {
    return Object.entries(value)
  } catch {
    // A getter has thrown, and may be the reason.
    return []
  }
}

function stepTo(value: unknown, name: unknown): string {
  if (value instanceof Map || value instanceof Set)
    return `.get(${typeof name === 'string' ? JSON.stringify(name) : '…'})`
  if (Array.isArray(value)) return `[${String(name)}]`
  return /^[\w$]+$/.test(String(name)) ? `.${String(name)}` : `[${JSON.stringify(name)}]`
}

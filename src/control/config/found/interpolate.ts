/** Where the values of variables come from. */
export type Variables = Readonly<Record<string, string | undefined>>

const NAME = /^[A-Za-z_]\w*/

/** Text with its variables filled in, or why that cannot be. */
export type Interpolated = { readonly text: string; readonly filled: boolean } | { readonly problem: string }

/**
 * Fills in `${NAME}`, `${NAME:-default}`, `${NAME-default}`, `${NAME:?error}`, `${NAME:+instead}` and `$NAME` as compose
 * does; `$$` is a dollar sign. Unlike there, a variable that is not set and has no default is a problem.
 */
export function interpolate(text: string, variables: Variables): Interpolated {
  if (!text.includes('$')) return { text, filled: false }
  try {
    const reader = new Reader(text, variables)
    return { text: reader.until(undefined), filled: reader.filled }
  } catch (error) {
    if (error instanceof Fault) return { problem: error.message }
    throw error
  }
}

class Fault extends Error {}

/** What the operator of `${NAME…}` makes of a value. */
const OPERATORS = [':-', '-', ':?', '?', ':+', '+'] as const

class Reader {
  readonly #text: string
  readonly #variables: Variables
  #at = 0
  #depth = 0
  filled = false

  constructor(text: string, variables: Variables) {
    this.#text = text
    this.#variables = variables
  }

  /** Up to the end, or to the brace that closes what it stands in. */
  until(end: '}' | undefined, isNeeded = true): string {
    let result = ''
    for (; this.#at < this.#text.length;) {
      const next = this.#text[this.#at] ?? ''
      if (next === end) break
      if (next === '$') result += this.#dollar(isNeeded)
      else {
        result += next
        this.#at++
      }
    }
    return result
  }

  #dollar(isNeeded: boolean): string {
    const rest = this.#text.slice(this.#at + 1, this.#at + 300)
    if (rest.startsWith('$')) {
      this.#at += 2
      return '$'
    }
    if (rest.startsWith('{')) return this.#braces(isNeeded)
    const [name] = NAME.exec(rest) ?? []
    if (name === undefined) throw new Fault('a $ stands alone; write $$ for a dollar sign')
    this.#at += 1 + name.length
    return this.#plain(name, isNeeded)
  }

  #braces(isNeeded: boolean): string {
    if (++this.#depth > 20) throw new Fault('variables are nested too deeply')
    const began = this.#text.slice(this.#at, this.#at + 40)
    const rest = this.#text.slice(this.#at + 2)
    const [name] = NAME.exec(rest) ?? []
    if (name === undefined) throw new Fault(`${began} has no name of a variable; write $$ for a dollar sign`)
    this.#at += 2 + name.length
    const operator = OPERATORS.find((each) => this.#text.startsWith(each, this.#at))
    this.#at += operator?.length ?? 0
    const result = operator === undefined ? this.#plain(name, isNeeded) : this.#operate(name, operator, isNeeded)
    if (this.#text[this.#at] !== '}')
      throw new Fault(`${began} is no variable; expected \${${name}} or \${${name}:-default}`)
    this.#at++
    this.#depth--
    return result
  }

  #plain(name: string, isNeeded: boolean): string {
    this.filled = true
    const value = this.#valueOf(name)
    if (value !== undefined || !isNeeded) return value ?? ''
    throw new Fault(`the variable ${name} is not set; set it, or give a default: \${${name}:-}`)
  }

  /** The other text is read in any case, but only what is used has to be complete. */
  #operate(name: string, operator: (typeof OPERATORS)[number], isNeeded: boolean): string {
    this.filled = true
    const value = this.#valueOf(name)
    const isThere = operator.startsWith(':') ? value !== undefined && value !== '' : value !== undefined
    const isInstead = operator.endsWith('+')
    const other = this.until('}', isNeeded && isThere === isInstead && !operator.endsWith('?'))
    if (isInstead) return isThere ? other : ''
    if (isThere || !isNeeded) return value ?? ''
    if (operator.endsWith('?')) throw new Fault(`the variable ${name} is not set${other === '' ? '' : `: ${other}`}`)
    return other
  }

  #valueOf(name: string): string | undefined {
    return Object.hasOwn(this.#variables, name) ? this.#variables[name] : undefined
  }
}

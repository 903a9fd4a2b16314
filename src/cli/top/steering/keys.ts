/** A key, by its name: `up`, `enter`, `ctrl-k`, or the character itself. */
export interface Key {
  readonly name: string
  /** Of a paste: what was pasted. */
  readonly text?: string
}

/** A sequence of a terminal, as far as it goes. */
const WHOLE = /^\x1b(?:\[[0-?]*[ -/]*[@-~]|O[ -~])/
const BEGUN = /^\x1b(?:\[[0-?]*[ -/]*|O)?$/
const PASTE = '\x1b[200~'
const PASTE_END = '\x1b[201~'
/** Characters: nobody means to paste more into one line. */
const MOST_PASTED = 65_536

const SEQUENCES: Readonly<Record<string, string>> = {
  '[A': 'up',
  '[B': 'down',
  '[C': 'right',
  '[D': 'left',
  '[H': 'home',
  '[F': 'end',
  '[1~': 'home',
  '[4~': 'end',
  '[7~': 'home',
  '[8~': 'end',
  '[3~': 'delete',
  '[5~': 'page-up',
  '[6~': 'page-down',
}

const CONTROLS: Readonly<Record<string, string>> = {
  '\r': 'enter',
  '\n': 'enter',
  '\t': 'tab',
  '\x7f': 'backspace',
  '\b': 'backspace',
  '\x1b': 'escape',
}

/** Turns what a terminal sends into keys, however it is cut. */
export class KeyReader {
  #rest = ''

  /** True while what came may be the beginning of something: nothing more within a moment, and it was the Esc key. */
  get isWaiting(): boolean {
    return this.#rest !== ''
  }

  push(text: string): Key[] {
    const keys: Key[] = []
    this.#rest += text
    while (this.#rest !== '' && !this.#isBegun()) {
      const key = this.#next()
      if (key !== undefined) keys.push(key)
    }
    return keys
  }

  /** Nothing more came. The end of what is pasted is waited for, however long: its characters are no keys. */
  flush(): Key[] {
    if (this.#rest === '' || this.#rest.startsWith(PASTE)) return []
    this.#rest = ''
    return [{ name: 'escape' }]
  }

  #isBegun(): boolean {
    if (this.#rest.startsWith(PASTE)) {
      if (this.#rest.includes(PASTE_END)) return false
      this.#rest = this.#rest.slice(0, PASTE.length) + this.#rest.slice(PASTE.length).slice(-MOST_PASTED)
      return true
    }
    return BEGUN.test(this.#rest)
  }

  /** Undefined for what is no key we know. */
  #next(): Key | undefined {
    if (this.#rest.startsWith(PASTE)) return this.#paste()
    const sequence = WHOLE.exec(this.#rest)?.[0]
    if (sequence !== undefined) {
      this.#take(sequence.length)
      const name = SEQUENCES[sequence.slice(1).replace(/^O/, '[')]
      return name === undefined ? undefined : { name }
    }
    const character = String.fromCodePoint(this.#rest.codePointAt(0) ?? 0)
    this.#take(character.length)
    return keyOf(character)
  }

  #paste(): Key {
    const end = this.#rest.indexOf(PASTE_END)
    const text = this.#rest.slice(PASTE.length, end)
    this.#take(end + PASTE_END.length)
    return { name: 'paste', text }
  }

  #take(length: number): void {
    this.#rest = this.#rest.slice(length)
  }
}

function keyOf(character: string): Key | undefined {
  const name = CONTROLS[character]
  if (name !== undefined) return { name }
  const code = character.codePointAt(0) ?? 0
  if (code >= 1 && code <= 26) return { name: `ctrl-${String.fromCharCode(code + 96)}` }
  return code < 32 || (code >= 0x7f && code < 0xa0) ? undefined : { name: character }
}

/** One server-sent event, as it came. */
export interface ServerSentEvent {
  readonly event: string
  readonly data: string
  /** Of this event or the last one that had one. */
  readonly id: string
}

/**
 * Reads server-sent events out of text that comes in any pieces (WHATWG HTML, 9.2.6): lines that end in LF, CRLF or CR, several
 * `data` lines, comments, a byte order mark.
 */
export class EventStreamParser {
  #rest = ''
  #data: string[] = []
  #event = ''
  #id = ''
  #isFirst = true

  push(text: string, emit: (event: ServerSentEvent) => void): void {
    let rest = this.#rest + text
    if (this.#isFirst && rest !== '') {
      this.#isFirst = false
      if (rest.startsWith('\u{FEFF}')) rest = rest.slice(1)
    }
    const endOfLine = /\r\n|[\n\r]/g
    // Nothing ends in what came before, but that a CR at its end may have been half of a CRLF.
    endOfLine.lastIndex = Math.max(0, this.#rest.length - 2)
    let from = 0
    for (let end = endOfLine.exec(rest); end !== null; end = endOfLine.exec(rest)) {
      if (end[0] === '\r' && endOfLine.lastIndex === rest.length) break
      this.#line(rest.slice(from, end.index), emit)
      from = endOfLine.lastIndex
    }
    this.#rest = rest.slice(from)
  }

  #line(line: string, emit: (event: ServerSentEvent) => void): void {
    if (line === '') return this.#dispatch(emit)
    const colon = line.indexOf(':')
    const field = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(colon + (line[colon + 1] === ' ' ? 2 : 1))
    if (field === 'data') this.#data.push(value)
    else if (field === 'event') this.#event = value
    else if (field === 'id' && !value.includes('\0')) this.#id = value
  }

  #dispatch(emit: (event: ServerSentEvent) => void): void {
    const [data, event] = [this.#data, this.#event]
    this.#data = []
    this.#event = ''
    if (data.length > 0) emit({ event: event || 'message', data: data.join('\n'), id: this.#id })
  }
}

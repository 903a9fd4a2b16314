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
  /** Of the line that has not ended yet: joined once, however many there are. */
  #pieces: string[] = []
  #data: string[] = []
  #event = ''
  #id = ''
  #isFirst = true
  /** The last line has ended in CR: an LF that follows belongs to it. */
  #isAfterReturn = false

  push(text: string, emit: (event: ServerSentEvent) => void): void {
    if (text === '') return
    let from = this.#start(text)
    const endOfLine = /\r\n|[\n\r]/g
    endOfLine.lastIndex = from
    for (let end = endOfLine.exec(text); end !== null; end = endOfLine.exec(text)) {
      this.#pieces.push(text.slice(from, end.index))
      from = endOfLine.lastIndex
      this.#isAfterReturn = end[0] === '\r'
      this.#line(this.#pieces.join(''), emit)
      this.#pieces = []
    }
    if (from === text.length) return
    this.#pieces.push(text.slice(from))
    this.#isAfterReturn = false
  }

  /** Where the first line of a piece begins. */
  #start(text: string): number {
    const isMark = this.#isFirst && text.startsWith('\u{FEFF}')
    const isHalf = this.#isAfterReturn && text.startsWith('\n')
    this.#isFirst = false
    this.#isAfterReturn = false
    return isMark || isHalf ? 1 : 0
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

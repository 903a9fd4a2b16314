import { FramingError } from '../base/errors.ts'
import type { Bytes } from '../base/units.ts'
import type { Framing } from '../framing/framing.ts'
import { json } from '../framing/json.ts'
import { show } from '../rpc/faults.ts'
import { type Message, kindOf } from './messages.ts'

/**
 * One message of MCP a line. What is none, such as the words of a `console.log` that should have gone to stderr, is skipped
 * and reported, so that a careless server is usable.
 */
export function mcpMessages(maxLength: Bytes): Framing<Message> {
  const lines = json<unknown, Message>({ maxLength, onInvalid: 'skip' })
  return {
    name: 'mcp',
    encode: (message) => lines.encode(message),
    decoder: (report) => {
      const decoder = lines.decoder(report)
      const sort = (emit: (message: Message) => void) => (value: unknown) => {
        if (kindOf(value) === 'garbage') report?.(strange(value))
        else emit(value as Message)
      }
      return {
        push: (chunk, emit) => decoder.push(chunk, sort(emit)),
        end: (emit) => decoder.end(sort(emit)),
      }
    },
  }
}

function strange(value: unknown): FramingError {
  return new FramingError('mcp', 'malformed', `a line is no message of MCP: ${show(value)}`)
}

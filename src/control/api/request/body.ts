import { ControlError } from '../../../base/errors.ts'
import { formatBytes } from '../../../base/units.ts'
import { badRequest } from '../problem.ts'

/**
 * The JSON of a request, of at most `max` bytes.
 *
 * @throws ControlError 415 for what does not call itself JSON, 413 for more, 408 for a part, 400 for what is none.
 */
export async function readJson(request: Request, max: number): Promise<unknown> {
  const type = request.headers.get('content-type') ?? ''
  if (!/^application\/json\s*(?:;|$)/i.test(type))
    throw refused(415, `The content-type is ${JSON.stringify(type)}: expected application/json`)
  const text = new TextDecoder().decode(await readBytes(request, max))
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    throw badRequest(`The body is no JSON: ${text === '' ? 'it is empty' : (error as Error).message}`)
  }
}

async function readBytes(request: Request, max: number): Promise<Uint8Array> {
  const announced = Number(request.headers.get('content-length') ?? 0)
  if (announced > max) throw tooLong(max)
  const chunks: Uint8Array[] = []
  let length = 0
  // Whatever it has announced: what comes counts.
  for await (const chunk of partsOf(request)) {
    length += chunk.byteLength
    if (length > max) throw tooLong(max)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, length)
}

/** Whoever goes away in the middle, or is cut off, hears no answer: it is no fault of ours. */
async function* partsOf({ body }: Request): AsyncGenerator<Uint8Array> {
  try {
    yield* body ?? []
  } catch {
    throw refused(408, 'The body is not complete: the connection was closed before its end')
  }
}

function tooLong(max: number): ControlError {
  return refused(413, `The body is longer than ${formatBytes(max)}, which is the most`)
}

function refused(status: number, message: string): ControlError {
  return new ControlError('ERR_PAGENT_BAD_REQUEST', message, { status })
}

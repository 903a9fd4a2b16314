import { Agent, type IncomingMessage, type RequestOptions, request } from 'node:http'
import { ControlError } from '../../base/errors.ts'
import { type ApiProblem, SCHEMA_VERSION } from '../api/wire.ts'
import { notReached } from './not-reached.ts'

/** One request. */
export interface Ask {
  readonly method?: 'GET' | 'POST'
  readonly path: string
  readonly body?: unknown
  readonly signal?: AbortSignal | undefined
}

/** HTTP over one UNIX socket. Reading keeps its connections for the next request; changes and streams have one each. */
export class Transport {
  readonly #socketPath: string
  readonly #agent = new Agent({ keepAlive: true, maxFreeSockets: 2 })

  constructor(socketPath: string) {
    this.#socketPath = socketPath
  }

  /** The JSON of the answer; undefined where it has none. Rejects with `ControlError`, or the reason of the signal. */
  async json(ask: Ask): Promise<any> {
    const response = await this.#answered(ask, ask.method === undefined)
    try {
      return parse(await textOf(response))
    } catch (error) {
      ask.signal?.throwIfAborted()
      throw notReached(this.#socketPath, error)
    }
  }

  /** The answer, to be read as it comes. Whoever has it destroys it. */
  open(ask: Ask): Promise<IncomingMessage> {
    return this.#answered(ask, false)
  }

  close(): void {
    this.#agent.destroy()
  }

  async #answered(ask: Ask, isKept: boolean): Promise<IncomingMessage> {
    const response = await this.#send(ask, isKept)
    try {
      checkVersion(response, this.#socketPath)
      const { statusCode: status = 0 } = response
      if (status < 400) return response
      throw problemOf(await textOf(response), status)
    } catch (error) {
      response.destroy()
      throw error
    }
  }

  async #send(ask: Ask, isKept: boolean): Promise<IncomingMessage> {
    ask.signal?.throwIfAborted()
    try {
      return await this.#request(ask, isKept)
    } catch (error) {
      ask.signal?.throwIfAborted()
      // The other side has closed a connection that was kept, at the moment in which it was used again.
      if (error instanceof Stale) return this.#send(ask, false)
      throw notReached(this.#socketPath, error)
    }
  }

  #request({ method = 'GET', path, body, signal }: Ask, isKept: boolean): Promise<IncomingMessage> {
    const headers = { host: 'pagent', ...(method === 'POST' ? { 'content-type': 'application/json' } : {}) }
    const options: RequestOptions = {
      socketPath: this.#socketPath,
      method,
      path,
      headers,
      agent: isKept && this.#agent,
    }
    return new Promise((resolve, reject) => {
      const sent = request(options)
      const abort = (): void => void sent.destroy()
      signal?.addEventListener('abort', abort, { once: true })
      sent.once('close', () => signal?.removeEventListener('abort', abort))
      sent.once('response', resolve)
      sent.on('error', (error) => reject(sent.reusedSocket ? new Stale('stale', { cause: error }) : error))
      sent.end(method === 'POST' ? JSON.stringify(body ?? {}) : undefined)
    })
  }
}

class Stale extends Error {}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = ''
  response.setEncoding('utf8')
  for await (const piece of response) text += piece as string
  return text
}

function parse(text: string): any {
  return text === '' ? undefined : JSON.parse(text)
}

/** @throws ControlError for another program, and for one that says what we do not know. */
function checkVersion({ headers }: IncomingMessage, socketPath: string): void {
  const version = Number(headers['pagent-schema-version'])
  if (version <= SCHEMA_VERSION) return
  if (Number.isNaN(version))
    throw new ControlError('ERR_PAGENT_CONTROL', `Something answers at ${socketPath}, but it is no fleet of pagent`)
  const known = `it speaks version ${version} of the control API, and this pagent knows ${SCHEMA_VERSION}`
  throw new ControlError(
    'ERR_PAGENT_VERSION',
    `Cannot talk to the fleet at ${socketPath}: ${known}; update pagent here`,
  )
}

function problemOf(text: string, status: number): ControlError {
  try {
    const { code, message } = JSON.parse(text) as ApiProblem
    if (typeof code === 'string' && typeof message === 'string')
      return new ControlError(code as `ERR_PAGENT_${string}`, message, { status })
  } catch {
    // It is said below.
  }
  return new ControlError('ERR_PAGENT_CONTROL', `The fleet has answered with the status ${status} and no reason`, {
    status,
  })
}

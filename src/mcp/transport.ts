import { ClosedError, toError } from '../base/errors.ts'
import { handled } from '../channel/outbox.ts'
import { type Answer, type Message, type NotificationMessage, type RequestMessage, kindOf } from './messages.ts'

/** Where the messages of hosts go. */
export interface Exchange {
  /** Whose they are. */
  readonly server: { readonly name: string }
  attach(host: McpTransport): void
  detach(host: McpTransport): Promise<void>
  /** Resolves when it was answered, to the host; rejects when it will not be. */
  request(host: McpTransport, message: RequestMessage): Promise<void>
  notify(host: McpTransport, message: NotificationMessage): Promise<void>
  answer(host: McpTransport, message: Answer): Promise<void>
}

/**
 * What a client of the official SDK connects to: `client.connect(server.transport())`. It stays open while the server
 * ends and is started again; it closes when the host closes it, or when the server is stopped for good.
 */
export class McpTransport {
  onclose?: (() => void) | undefined
  onerror?: ((error: Error) => void) | undefined
  onmessage?: ((message: any, extra?: any) => void) | undefined
  readonly #exchange: Exchange
  #state: 'new' | 'open' | 'closed' = 'new'

  constructor(exchange: Exchange) {
    this.#exchange = exchange
  }

  /** Begins to take messages. The server is started by the first of them, unless it runs already. */
  async start(): Promise<void> {
    if (this.#state !== 'new')
      throw new ClosedError(
        `Cannot start this transport of MCP server "${this.#exchange.server.name}": it is ${this.#state}; take another by transport()`,
      )
    this.#state = 'open'
    this.#exchange.attach(this)
  }

  /**
   * Sends one message. That of a request settles with the request: the SDK gives what it rejects with to whoever has made
   * the request.
   *
   * @throws ExitError when the server ended first; carries the exit, and so the cause and the last lines of its stderr.
   * @throws SpawnError when it cannot be started; TimeoutError when it was not back in time.
   */
  send(message: object): Promise<void> {
    return handled(this.#send(message as Message))
  }

  async #send(message: Message): Promise<void> {
    if (this.#state !== 'open')
      throw new ClosedError(
        `Cannot talk to MCP server "${this.#exchange.server.name}": this transport is ${this.#state}`,
      )
    switch (kindOf(message)) {
      case 'request':
        return this.#exchange.request(this, message as RequestMessage)
      case 'notification':
        return this.#exchange.notify(this, message as NotificationMessage)
      case 'answer':
        return this.#exchange.answer(this, message as Answer)
      case 'garbage':
        throw new TypeError(`Cannot send ${JSON.stringify(message)}: it is no message of MCP`)
    }
  }

  /** Lets go of the server; what is in flight is cancelled. Resolves when the server has ended, if it ends with this. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return
    const wasOpen = this.#state === 'open'
    this.#state = 'closed'
    const detached = wasOpen ? this.#exchange.detach(this) : undefined
    this.#guarded(() => this.onclose?.())
    await detached
  }

  /** What came is the host's. */
  deliver(message: Message): void {
    if (this.#state !== 'open') return
    try {
      this.onmessage?.(message)
    } catch (error) {
      this.report(toError(error))
    }
  }

  /** Something the host should know that belongs to none of its requests. */
  report(error: Error): void {
    this.#guarded(() => this.onerror?.(error))
  }

  /** No other host, and no server, is to suffer from a callback that throws. */
  #guarded(callback: () => void): void {
    try {
      callback()
    } catch (error) {
      const { message, stack = message } = toError(error)
      process.emitWarning(
        `a callback of a host of MCP server "${this.#exchange.server.name}" threw: ${stack}`,
        'PagentWarning',
      )
    }
  }
}

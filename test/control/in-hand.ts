import { ControlApp } from '../../src/control/api/app.ts'
import type { StreamFrame } from '../../src/control/api/wire.ts'
import { EventStreamParser } from '../../src/control/client/sse.ts'
import { FakeClock, settled } from '../support/fake-clock.ts'
import { FakeFleet } from './fake-fleet.ts'

/** The API without a socket: requests and time in the hand. */
export class InHand {
  readonly fleet: FakeFleet
  readonly clock = new FakeClock()
  readonly faults: unknown[] = []
  readonly app: ControlApp

  constructor(
    fleet = new FakeFleet({
      web: {},
      'api-1': { service: 'api', group: 'app/back' },
      'p-1': { service: 'p', pool: 'p' },
    }),
  ) {
    this.fleet = fleet
    const onFault = (error: unknown): void => void this.faults.push(error)
    this.app = new ControlApp(fleet, { clock: this.clock, isReadOnly: false, metrics, onFault })
  }

  fetch(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    return this.app.fetch(new Request(`http://localhost${path}`, { headers: { host: 'localhost', ...headers } }))
  }

  /** A reader of a stream, or of log lines, that takes a piece when it is told to. */
  readonly open = async (path: string, headers?: Readonly<Record<string, string>>): Promise<InHandReader> => {
    const { body, status } = await this.fetch(path, headers)
    if (body === null || status !== 200) throw new Error(`${path}: ${status}`)
    return new InHandReader(body)
  }
}

async function metrics(): Promise<{ readonly type: string; readonly text: string }> {
  return { type: 'text/plain', text: '' }
}

export class InHandReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  readonly #decoder = new TextDecoder()
  readonly #parser = new EventStreamParser()
  #pending: Promise<string | undefined> | undefined
  #frames: StreamFrame[] = []

  constructor(body: ReadableStream<Uint8Array>) {
    this.#reader = body.getReader()
  }

  /** The next piece of text; undefined at the end. */
  async text(): Promise<string | undefined> {
    const pending = (this.#pending ??= this.#read())
    const text = await pending
    this.#pending = undefined
    return text
  }

  /** The next piece, if there is one without anybody doing anything. */
  async textNow(): Promise<string | undefined> {
    this.#pending ??= this.#read()
    const text = await Promise.race([this.#pending, settled().then(() => undefined)])
    if (text !== undefined) this.#pending = undefined
    return text
  }

  /** The next frame. */
  async frame(): Promise<StreamFrame> {
    for (;;) {
      const frame = this.#frames.shift()
      if (frame !== undefined) return frame
      const text = await this.text()
      if (text === undefined) throw new Error('the stream has ended')
      this.#parse(text)
    }
  }

  /** All that there are by now. */
  async framesNow(): Promise<readonly StreamFrame[]> {
    for (let text = await this.textNow(); text !== undefined; text = await this.textNow()) this.#parse(text)
    const frames = this.#frames
    this.#frames = []
    return frames
  }

  async leave(): Promise<void> {
    await this.#reader.cancel()
  }

  #parse(text: string): void {
    this.#parser.push(text, ({ event: topic, data }) =>
      this.#frames.push({ topic, data: JSON.parse(data) as unknown } as StreamFrame),
    )
  }

  async #read(): Promise<string | undefined> {
    const { done, value } = await this.#reader.read()
    return done ? undefined : this.#decoder.decode(value, { stream: true })
  }
}

import { type Clock, type Timer, systemClock } from '../../../base/clock.ts'
import type { ServiceManager } from '../../../process/companions/service-manager.ts'

/** What a service manager has told this process about itself. */
interface Orders {
  readonly socket: string
  /** How long it may say nothing, in milliseconds. */
  readonly watchdog: number | undefined
}

/** Reads what systemd says by the environment, and takes it out: no worker is the service. */
export function takeOrders(env: NodeJS.ProcessEnv = process.env): Orders | undefined {
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: micros, WATCHDOG_PID: pid } = env
  for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete env[name]
  if (socket === undefined || socket === '') return undefined
  const isOurs = pid === undefined || pid === String(process.pid)
  const watchdog = isOurs && Number(micros) > 0 ? Number(micros) / 1000 : undefined
  return { socket, watchdog }
}

/** Tells the service manager how the fleet is: ready, what it does, that it still lives, that it stops. */
export class Heartbeat {
  readonly #manager: ServiceManager
  readonly #clock: Clock
  #timer: Timer | undefined
  #isReady = false
  #status = ''

  constructor(manager: ServiceManager, watchdog: number | undefined, clock: Clock = systemClock) {
    this.#manager = manager
    this.#clock = clock
    if (watchdog !== undefined) this.#beat(watchdog / 2)
  }

  /** Once is enough: a service that is ready stays it. */
  ready(): void {
    if (this.#isReady) return
    this.#isReady = true
    this.#manager.tell('READY=1')
  }

  /** For `systemctl status`. */
  status(text: string): void {
    if (text === this.#status) return
    this.#status = text
    this.#manager.tell(`STATUS=${text}`)
  }

  stopping(): void {
    this.#manager.tell('STOPPING=1')
  }

  close(): void {
    this.#timer?.cancel()
    this.#manager.close()
  }

  #beat(every: number): void {
    this.#manager.tell('WATCHDOG=1')
    this.#timer = this.#clock.after(every, () => this.#beat(every))
  }
}

import type { Clock } from '../../base/clock.ts'
import { toError } from '../../base/errors.ts'
import type { Desk } from '../fleet/desk.ts'
import { tamed } from '../show/lines/log-lines.ts'
import { statusPage } from '../show/status-page.ts'
import type { FleetPicture } from './model/picture.ts'
import { folded, levelled } from './paint/fit.ts'
import type { View } from './steering/view.ts'

/** How the pools are is asked so often, in milliseconds. */
const POOLS_EVERY = 2000
/** A line of a page of text takes no more lines of the screen. */
const MOST_FOLDS = 8

/** What a fleet does not say by itself, asked while it is looked at: how its pools are, and all that is known of a worker. */
export class Asides {
  readonly #desk: Desk
  readonly #picture: FleetPicture
  readonly #clock: Clock
  readonly #changed: () => void
  #detail: { readonly worker: string; readonly text: readonly string[] } | undefined
  #isAskingDetail = false
  #poolsAt = -Infinity

  constructor(desk: Desk, picture: FleetPicture, clock: Clock, changed: () => void) {
    this.#desk = desk
    this.#picture = picture
    this.#clock = clock
    this.#changed = changed
  }

  /** All that is known of a worker, as far as it was asked. */
  detailOf(worker: string): readonly string[] {
    return this.#detail?.worker === worker ? this.#detail.text : []
  }

  async askPools(): Promise<void> {
    const now = this.#clock.now()
    if (now - this.#poolsAt < POOLS_EVERY || !this.#picture.workers.some(({ pool }) => pool !== undefined)) return
    this.#poolsAt = now
    // Who does not answer is told by the stream.
    const pools = await this.#desk.client.pools().catch(() => undefined)
    if (pools === undefined) return
    this.#picture.count(pools)
    this.#changed()
  }

  /** One answer is waited for at a time. */
  async askDetail(view: View, columns: number): Promise<void> {
    if (view.kind !== 'detail' || this.#isAskingDetail) return
    this.#isAskingDetail = true
    const text = await this.#detailText(view.worker, columns)
    this.#isAskingDetail = false
    if (text !== undefined) this.#detail = { worker: view.worker, text }
    this.#changed()
  }

  async #detailText(worker: string, columns: number): Promise<readonly string[] | undefined> {
    const { client, screen } = this.#desk
    try {
      const detail = await client.worker(worker)
      const page = statusPage(detail, this.#clock.date(), { ...screen, width: columns })
      const lines = page.trimEnd().split('\n')
      return lines.flatMap((line) => folded(levelled(tamed(line, screen.isColoured)), columns, MOST_FOLDS))
    } catch (error) {
      // What was seen of it stays while the fleet is away.
      return this.#detail?.worker === worker ? undefined : [toError(error).message]
    }
  }
}

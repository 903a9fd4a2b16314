import { isatty } from 'node:tty'
import { type Timer, systemClock } from '../../../base/clock.ts'
import { type FleetClaim, claimFleet } from '../../../control/state/claim.ts'
import type { FleetPlan } from '../../../control/config/fleet-plan.ts'
import type { Fleet } from '../../../control/fleet/contract.ts'
import { report } from '../../../process/companions/detach.ts'
import { serviceManagerAt } from '../../../process/companions/service-manager.ts'
import { ofSignal } from '../../exit-code.ts'
import { countsText } from '../../show/states.ts'
import { age } from '../../show/times.ts'
import { takeSignals } from '../../signals.ts'
import { hasColour, outputError, painter, tell } from '../../terminal.ts'
import { type EndReason, EndWatch } from './end-watch.ts'
import { FleetView } from './fleet-view.ts'
import { Heartbeat, takeOrders } from './heartbeat.ts'
import { longestStop } from './longest-stop.ts'
import { OutputQueue } from './output-queue.ts'
import type { UpOptions } from '../request.ts'
import { byHandIds, startingIds } from '../selection.ts'
import { Stopping } from './stopping.ts'

/** How often the line at the bottom is drawn anew, in milliseconds; and how long the last lines may take to be read. */
const EVERY = 250
const LAST_LINES = 2000

/** Runs a fleet in this process until somebody ends it, or there is nothing more to run; resolves with the exit code. */
export async function runFleet(plan: FleetPlan, options: UpOptions): Promise<number> {
  const claim = await claimFleet(plan)
  try {
    const run = new ForegroundRun(plan, claim, options)
    try {
      return await run.live()
    } finally {
      await run.close()
    }
  } finally {
    await claim.release()
  }
}

/** One run of a fleet, with everything that listens to it. */
class ForegroundRun {
  readonly #plan: FleetPlan
  readonly #claim: FleetClaim
  readonly #options: UpOptions
  readonly #output: OutputQueue
  readonly #view: FleetView
  readonly #stopping: Stopping
  readonly #heartbeat: Heartbeat | undefined
  readonly #since = systemClock.now()
  readonly #releases: (() => void | Promise<void>)[] = []
  #fleet: Fleet | undefined
  #timer: Timer | undefined
  #reason: EndReason | undefined

  constructor(plan: FleetPlan, claim: FleetClaim, options: UpOptions) {
    this.#plan = plan
    this.#claim = claim
    this.#options = options
    this.#output = new OutputQueue(1, { missing: missingText, onReaderLeft: tellReaderLeft })
    this.#view = viewFor(this.#output, plan, options)
    this.#stopping = new Stopping(() => this.#fleet, {
      longest: () => longestStop(plan.entries),
      note: (text) => this.#view.note(text),
      onBegin: () => this.#heartbeat?.stopping(),
    })
    const orders = takeOrders()
    if (orders !== undefined) this.#heartbeat = new Heartbeat(serviceManagerAt(orders.socket), orders.watchdog)
    this.#releases.push(takeSignals({ end: this.#stopping.end, forward: () => {} }))
  }

  async live(): Promise<number> {
    const [{ startFleet }, { serveFleet }] = await Promise.all([
      import('../../../control/fleet/fleet.ts'),
      import('../../../control/api/serve.ts'),
    ])
    const { folder: stateFolder, socketPath } = this.#claim
    const isReadOnly = this.#options.readOnly === true
    this.#greet(isReadOnly)
    const fleet = await startFleet(this.#plan, { stateFolder })
    this.#fleet = fleet
    this.#listen(fleet)
    this.#stopping.catchUp()
    const server = await serveFleet(fleet, { socketPath, isReadOnly })
    this.#releases.unshift(() => server.close())
    report({ serving: socketPath })
    this.#tick()
    await fleet.stopped
    return this.#exitCode()
  }

  async close(): Promise<void> {
    this.#timer?.cancel()
    // What could not be served must not go on in the dark.
    await this.#fleet?.stop()
    for (const release of this.#releases) await release()
    this.#view.status('')
    this.#sayGoodbye()
    await this.#output.flush(LAST_LINES)
    this.#heartbeat?.close()
  }

  #listen(fleet: Fleet): void {
    const aims = { purpose: this.#options.exitCodeFrom, byHand: byHandIds(this.#plan) }
    const watch = new EndWatch(fleet, aims, (reason) => this.#end(reason))
    this.#releases.push(fleet.onEvent(watch.heard))
    // In the background nobody watches, and what workers write is in their logs.
    if (this.#options.inBackground !== true) this.#releases.push(fleet.onLog((record) => this.#view.record(record)))
  }

  #greet(isReadOnly: boolean): void {
    const { name, file } = this.#plan
    const ids = startingIds(this.#plan)
    const { stale } = this.#claim
    if (stale !== undefined) this.#view.note(stale.message)
    const how = isReadOnly ? ', read-only' : ''
    this.#view.note(
      `fleet ${JSON.stringify(name)} from ${file}: ${ids.length === 1 ? '1 worker' : `${ids.length} workers`}${how} (pid ${process.pid})`,
    )
  }

  #end(reason: EndReason): void {
    if (this.#reason !== undefined || this.#stopping.begun) return
    this.#reason = reason
    this.#view.note(reason.text)
    void this.#fleet?.stop()
  }

  #tick(): void {
    this.#timer = systemClock.after(EVERY, () => this.#tick())
    const status = this.#fleet?.status()
    if (status === undefined) return
    if (status.isReady) this.#heartbeat?.ready()
    this.#heartbeat?.status(this.#stopping.begun ? this.#stopping.text() : countsText(status.states))
    this.#view.status(this.#stopping.begun ? ` ${this.#stopping.text()} ` : this.#statusText(status.states))
  }

  #statusText(states: Parameters<typeof countsText>[0]): string {
    return ` ${this.#plan.name} · ${countsText(states)} · ${age(systemClock.now() - this.#since)} · Ctrl-C stops `
  }

  #exitCode(): number {
    if (this.#stopping.signal !== undefined) return ofSignal(this.#stopping.signal)
    return this.#reason?.exitCode ?? 0
  }

  #sayGoodbye(): void {
    if (this.#fleet === undefined) return
    this.#view.note(
      `fleet ${JSON.stringify(this.#plan.name)} is down after ${age(systemClock.now() - this.#since)}; nothing is left of it`,
    )
  }
}

function viewFor(output: OutputQueue, plan: FleetPlan, { prefix, timestamps = false }: UpOptions): FleetView {
  // In CI and in files nothing is drawn twice.
  const isTerminal = isatty(1) && process.env['TERM'] !== 'dumb' && (process.env['CI'] ?? '') === ''
  const isColoured = hasColour(1)
  return new FleetView({ isTerminal, isColoured, paint: painter(isColoured) }, output, {
    prefix,
    timestamps,
    names: startingIds(plan),
    width: () => (isTerminal ? process.stdout.columns : Infinity),
    tell: (text) => tell('notice', text),
  })
}

function missingText(lines: number): string {
  return `… ${lines} lines came too fast to be shown: see pagent logs\n`
}

function tellReaderLeft(error: NodeJS.ErrnoException): void {
  const why = error.code === 'EPIPE' ? 'nobody reads the output any more' : outputError(error).message
  tell('notice', `${why}; the fleet goes on`)
}

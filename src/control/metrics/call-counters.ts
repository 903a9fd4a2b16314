import { Counter, Histogram, type Registry } from '@prometheus-io/client'
import type { CallEvent } from '../../base/call-hub.ts'
import { CALL_DURATIONS } from './durations.ts'
import { MethodNames } from './methods.ts'

type Labels = Readonly<Record<string, string>>

/** What has become of calls and notifications, in both directions. */
export class CallCounters {
  /** Whatever a worker asks for, the names of the calls to it are told apart. */
  readonly #methods = { master: new MethodNames('other'), worker: new MethodNames('other') }
  readonly #durations: Readonly<Record<CallEvent['from'], Histogram<string>>>
  readonly #notifications: Counter<string>

  /** `labels` are those of whoever is called, or calls. */
  constructor(registry: Registry, labels: readonly string[]) {
    const durations = (name: string, help: string): Histogram<string> => {
      const labelNames = [...labels, 'method', 'outcome']
      return new Histogram({ name, help, labelNames, buckets: CALL_DURATIONS, registers: [registry] })
    }
    this.#durations = {
      master: durations(
        'pagent_rpc_duration_seconds',
        'How long calls took for whoever asked, with whatever they waited for',
      ),
      worker: durations('pagent_rpc_served_duration_seconds', 'How long calls by workers took to be served'),
    }
    this.#notifications = new Counter({
      name: 'pagent_rpc_notifications_total',
      help: 'Calls that nobody answers, to workers (out) and by workers (in)',
      labelNames: [...labels, 'direction', 'method', 'outcome'],
      registers: [registry],
    })
  }

  count(call: CallEvent, whose: Labels): void {
    const { kind, from, outcome, duration } = call
    const labels = { ...whose, method: this.#methods[from].of(call), outcome }
    if (kind === 'call') this.#durations[from].observe(labels, duration / 1000)
    else this.#notifications.inc({ ...labels, direction: from === 'master' ? 'out' : 'in' })
  }
}

import type { Exit } from '../../../base/exit.ts'
import { formatMillis } from '../../../base/units.ts'
import type { EventRecord } from '../../api/wire.ts'
import { type Remark, remarkOn } from './describe.ts'

/** Who has lived so long is not in a loop, in milliseconds. */
const LONG = 5000

interface Loop {
  /** How its last life ended, without its length. */
  readonly cause: string
  /** Its wait has become as long as it ever will be: each time is like the last. */
  readonly isTold: boolean
}

/**
 * What the log says about the lives of workers. Of a loop of crashes it tells each step of the backoff; once the waits grow no more
 * it says so and is silent, until an end is another.
 */
export class CrashLoops {
  readonly #loops = new Map<string, Loop>()

  /** `who` is the worker or supervisor the event is about; undefined for what the log need not say. */
  remarkOn(who: string, event: EventRecord): Remark | undefined {
    if (event.type === 'exited') return this.#ended(who, event)
    if (event['repeated'] !== undefined) return this.#comesBack(who, event)
    const isSame = event.type === 'spawned' && this.#loops.get(who)?.isTold === true
    return isSame ? undefined : remarkOn(event)
  }

  #ended(who: string, event: EventRecord): Remark | undefined {
    const exit = event['exit'] as Exit
    const cause = causeOf(exit)
    const last = this.#loops.get(who)
    const isSame = last?.isTold === true && last.cause === cause && exit.uptime < LONG
    if (!isSame) this.#loops.set(who, { cause, isTold: false })
    return isSame ? undefined : remarkOn(event)
  }

  #comesBack(who: string, event: EventRecord): Remark | undefined {
    const { cause = '', isTold = false } = this.#loops.get(who) ?? {}
    const isRepeated = event['repeated'] === true
    this.#loops.set(who, { cause, isTold: isRepeated })
    if (!isRepeated) return remarkOn(event)
    if (isTold) return undefined
    const after = formatMillis(event['after'] as number)
    return {
      level: 40,
      msg: `goes on like this, and is started again each time (now in ${after}); the log tells when that changes`,
    }
  }
}

/** Without what differs each time. */
function causeOf(exit: Exit): string {
  const { kind, exitCode, signalCode, limit, stage } = exit as Exit & Record<string, unknown>
  return JSON.stringify([kind, exitCode, signalCode, limit, stage])
}

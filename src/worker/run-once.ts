import type { Exit } from '../base/exit.ts'
import type { Shutdown } from '../process/ladder.ts'
import type { ChildContext } from '../supervisor/child.ts'
import type { Incarnation } from './life/incarnation.ts'

/** For who cannot wait. */
const AT_ONCE: Shutdown = { eof: 0, grace: 0 }

/**
 * A life whose end is somebody else's to judge, from `started` on: a promise that rejects when it has ended before it was
 * ready.
 */
export async function runOnce(
  life: Incarnation,
  started: Promise<void>,
  stop: (shutdown?: Shutdown) => void,
  { signal, kill, ready }: ChildContext,
): Promise<Exit> {
  const asked = Promise.withResolvers<void>()
  const onAbort = (): void => {
    asked.resolve()
    if (!kill.aborted) stop()
  }
  const onKill = (): void => stop(AT_ONCE)
  signal.addEventListener('abort', onAbort, { once: true })
  kill.addEventListener('abort', onKill, { once: true })
  // A process that merely exists proves nothing.
  const proof = life.plan.ready === 'spawn' ? 'assumed' : undefined
  void started.then(
    () => ready(proof),
    () => {},
  )
  const exit = await life.exited
  // The next life begins after onExit; who wants it to end waits for nobody.
  await Promise.race([life.settled, asked.promise])
  signal.removeEventListener('abort', onAbort)
  kill.removeEventListener('abort', onKill)
  return exit
}

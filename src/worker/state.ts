/**
 * Where a worker is in its life.
 *
 * `exited` is done for good or at rest until `start()`; `backoff` waits for its restart; `failed` restarted too often.
 */
export type WorkerState = 'idle' | 'starting' | 'running' | 'stopping' | 'exited' | 'backoff' | 'failed'

/** What can happen to it. */
export type WorkerInput = 'start' | 'ready' | 'stop' | 'exit' | 'wait' | 'give-up'

/** The whole life. An input without a cell is a bug of ours. */
export const TRANSITIONS: Readonly<Record<WorkerState, Partial<Record<WorkerInput, WorkerState>>>> = {
  idle: { start: 'starting' },
  starting: { ready: 'running', stop: 'stopping', exit: 'exited' },
  running: { stop: 'stopping', exit: 'exited' },
  stopping: { stop: 'stopping', exit: 'exited' },
  exited: { start: 'starting', wait: 'backoff', 'give-up': 'failed' },
  backoff: { start: 'starting', stop: 'exited' },
  failed: { start: 'starting' },
}

export function nextState(state: WorkerState, input: WorkerInput): WorkerState {
  const next = TRANSITIONS[state][input]
  if (next === undefined) throw new Error(`Bug in pagent: a worker that is ${state} cannot take "${input}"`)
  return next
}

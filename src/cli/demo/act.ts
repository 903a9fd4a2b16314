import type { Stage } from './stage.ts'

/** A promise, and the proof that it is kept. */
export interface Act {
  readonly title: string
  /** One sentence in words of the user. */
  readonly promise: string
  /** Checks what it claims; resolves with what was seen. */
  run(stage: Stage): Promise<string[]>
}

/** A promise that was not kept. */
export class BrokenClaim extends Error {}

/** @throws BrokenClaim */
export function claim(kept: boolean, what: string): asserts kept {
  if (!kept) throw new BrokenClaim(what)
}

export type ActState = 'waiting' | 'playing' | 'kept' | 'broken' | 'interrupted'

/** An act on its way. */
export interface ActProgress {
  readonly number: number
  readonly act: Act
  state: ActState
  facts: readonly string[]
}

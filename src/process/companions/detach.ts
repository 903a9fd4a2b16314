import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'

/** How a process in the background is doing. */
export type Progress =
  /** It said something by `report`. */
  | { readonly type: 'reported'; readonly report: unknown }
  | { readonly type: 'ended'; readonly exitCode: number | null; readonly signalCode: NodeJS.Signals | null }

/** A process that goes on when its parent, and the terminal of that, have gone. */
export interface Detached {
  readonly pid: number
  /** The next thing that happens with it. After `ended` there is none. */
  next(): Promise<Progress>
  kill(killSignal: NodeJS.Signals): void
  /** Leaves it alone: nothing of it keeps this process any more. */
  leave(): void
}

/**
 * Runs the module in another Node, in a session of its own. Its stdin is empty, its stdout and stderr go to the end of a
 * file that only its user can read.
 */
export async function detach(module: string, args: readonly string[], outputFile: string): Promise<Detached> {
  const output = openSync(outputFile, 'a', 0o600)
  try {
    const child = spawn(process.execPath, [...process.execArgv, module, ...args], {
      detached: true,
      stdio: ['ignore', output, output, 'ipc'],
    })
    await new Promise((resolve, reject) => {
      child.once('spawn', resolve)
      child.once('error', reject)
    })
    return new DetachedProcess(child)
  } finally {
    closeSync(output)
  }
}

class DetachedProcess implements Detached {
  readonly pid: number
  readonly #child: ChildProcess
  readonly #progress: Progress[] = []
  #wake: (() => void) | undefined

  constructor(child: ChildProcess) {
    this.#child = child
    this.pid = child.pid ?? 0
    child.on('message', (said: unknown) => this.#happened({ type: 'reported', report: said }))
    child.once('exit', (exitCode, signalCode) => this.#happened({ type: 'ended', exitCode, signalCode }))
  }

  async next(): Promise<Progress> {
    for (;;) {
      const first = this.#progress.shift()
      if (first !== undefined) return first
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  kill(killSignal: NodeJS.Signals): void {
    this.#child.kill(killSignal)
  }

  leave(): void {
    this.#child.unref()
    if (this.#child.connected) this.#child.disconnect()
  }

  #happened(progress: Progress): void {
    this.#progress.push(progress)
    this.#wake?.()
  }
}

/** Says something to whoever has detached this process, if that still listens. */
export function report(value: unknown): void {
  if (process.connected) process.send?.(value, undefined, undefined, () => {})
}

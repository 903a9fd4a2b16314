import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

export const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const FIXTURES = fileURLToPath(new URL('fixtures/', import.meta.url))

export const fixture = (name: string): string => `${FIXTURES}${name}`

/** This one's, without what makes a difference: NODE_EXTRA_CA_CERTS triples the start of every Node process. */
export function environment(): NodeJS.ProcessEnv {
  const { NODE_EXTRA_CA_CERTS: _, NO_COLOR: __, FORCE_COLOR: ___, ...inherited } = process.env
  return inherited
}

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: Buffer
  readonly stderr: string
}

/** The command, run from source, without a terminal. */
export class Cli {
  readonly process: ChildProcess
  readonly ended: Promise<Ended>
  readonly #output = { stdout: [] as Buffer[], stderr: [] as Buffer[] }
  readonly #waiting = new Set<() => void>()

  constructor(args: readonly string[], env: Record<string, string> = {}, cwd?: string) {
    this.process = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, ...args], {
      env: { ...environment(), ...env },
      cwd,
    })
    this.#collect('stdout', this.process.stdout)
    this.#collect('stderr', this.process.stderr)
    this.process.stdin?.on('error', () => {})
    this.ended = once(this.process, 'close').then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
      stdout: Buffer.concat(this.#output.stdout),
      stderr: this.text('stderr'),
    }))
    void this.ended.then(() => this.#changed())
  }

  text(from: 'stdout' | 'stderr'): string {
    return Buffer.concat(this.#output[from]).toString()
  }

  /** Waits until the output matches; fails when the command ends without it. */
  async until(from: 'stdout' | 'stderr', pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.text(from))
      if (found !== null) return found
      if (this.process.exitCode !== null || this.process.signalCode !== null) {
        const { stdout, stderr } = await this.ended
        const last = pattern.exec(this.text(from))
        if (last !== null) return last
        throw new Error(`it ended without ${String(pattern)} on ${from}:\n${String(stdout)}\n${stderr}`)
      }
      await new Promise<void>((resolve) => this.#waiting.add(resolve))
    }
  }

  #collect(from: 'stdout' | 'stderr', stream: Readable | null): void {
    stream?.on('data', (chunk: Buffer) => {
      this.#output[from].push(chunk)
      this.#changed()
    })
  }

  #changed(): void {
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
  }
}

/** Runs it to its end, with nothing or something on its stdin. */
export function cli(
  args: readonly string[],
  input: Buffer | string = '',
  env: Record<string, string> = {},
  cwd?: string,
): Promise<Ended> {
  const running = new Cli(args, env, cwd)
  running.process.stdin?.end(input)
  return running.ended
}

/** Whether there is a process that is more than its entry in the table. */
export function lives(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return !'ZX'.includes(stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3))
  } catch {
    return false
  }
}

/** Polls until none of them lives; returns those that still do after ten seconds. */
export async function untilGone(pids: readonly number[]): Promise<number[]> {
  const deadline = performance.now() + 10_000
  let left = pids.filter(lives)
  while (left.length > 0 && performance.now() < deadline) {
    await sleep(20)
    left = left.filter(lives)
  }
  return left
}

/** Bytes that the process has written so far. */
export function writtenBy(pid: number): number {
  return Number(/^wchar: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1])
}

/** Polls until the figure is the same ten times in a row; returns it. */
export async function untilStill(figure: () => number): Promise<number> {
  let last = figure()
  for (let same = 0; same < 10;) {
    await sleep(30)
    const now = figure()
    same = now === last ? same + 1 : 0
    last = now
  }
  return last
}

import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { MAIN, environment } from './cli.ts'

/** A terminal of its own, as tmux emulates it. */
export class Screen {
  readonly #server = `pagent-test-${randomBytes(6).toString('hex')}`

  /** `env` is added to that of the shell, which runs in `cwd`. */
  constructor(columns: number, rows: number, env: Readonly<Record<string, string>> = {}, cwd = process.cwd()) {
    const added = Object.entries(env).map(([name, value]) => `${name}='${value}'`)
    const size = ['-x', String(columns), '-y', String(rows)]
    this.#tmux('-f', '/dev/null', 'new-session', '-d', ...size, '-c', cwd, `env PS1="$ " CI= ${added.join(' ')} sh`)
  }

  /** Types the command, and has the shell say how it ended. Nothing that was to be seen before can be taken for its output. */
  run(args: readonly string[]): void {
    this.#tmux('send-keys', '-R')
    const command = `'${process.execPath}' --disable-warning=ExperimentalWarning '${MAIN}' ${args.join(' ')}`
    this.keys(`clear; ${command}; echo exit code $?`, 'Enter')
  }

  keys(...keys: string[]): void {
    this.#tmux('send-keys', ...keys)
  }

  resize(columns: number, rows: number): void {
    this.#tmux('resize-window', '-x', String(columns), '-y', String(rows))
  }

  /** Polls what is to be seen until it matches. */
  async until(pattern: RegExp): Promise<string> {
    const deadline = performance.now() + 60_000
    for (;;) {
      const text = this.#tmux('capture-pane', '-p')
      if (pattern.test(text)) return text
      if (performance.now() > deadline) throw new Error(`there is no ${String(pattern)} on the screen:\n${text}`)
      await sleep(30)
    }
  }

  /** Whether anything to be seen is painted. */
  colours(): boolean {
    return this.#tmux('capture-pane', '-p', '-e').includes('\x1b[')
  }

  flags(): { alternate: boolean; cursor: boolean } {
    const [alternate, cursor] = this.#tmux('display-message', '-p', '#{alternate_on} #{cursor_flag}').trim().split(' ')
    return { alternate: alternate === '1', cursor: cursor === '1' }
  }

  close(): void {
    this.#tmux('kill-server')
  }

  #tmux(...args: string[]): string {
    return execFileSync('tmux', ['-L', this.#server, '-u', ...args], { encoding: 'utf8', env: environment() })
  }
}

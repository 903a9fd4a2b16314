import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { eventually, findByToken } from '../support/processes.ts'
import { Cli, type Ended, cli } from './cli.ts'

/** A folder with a configuration, and a home for what fleets keep: nothing in it meets anybody else's. */
export class Workplace {
  readonly folder: string
  readonly env: Record<string, string>
  /** In the command line of each worker that wants to be found. */
  readonly token = `pagent-test-${randomBytes(6).toString('hex')}`
  readonly #running: Cli[] = []

  constructor(config: string) {
    this.folder = mkdtempSync(join(tmpdir(), 'pagent-fleet-'))
    const [state, run] = [join(this.folder, 'state'), join(this.folder, 'run')]
    for (const path of [state, run]) mkdirSync(path, { mode: 0o700 })
    this.env = { XDG_STATE_HOME: state, XDG_RUNTIME_DIR: run, TOKEN: this.token }
    this.write('pagent.yaml', config)
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text)
  }

  /** The command, to its end. */
  run(...args: readonly string[]): Promise<Ended> {
    return cli(args, '', this.env, this.folder)
  }

  /** The same with something on its stdin. */
  pipe(input: string, ...args: readonly string[]): Promise<Ended> {
    return cli(args, input, this.env, this.folder)
  }

  /** What it shows, when all is well. */
  async text(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(...args)
    assert.equal(code, 0, `pagent ${args.join(' ')}: ${stderr}`)
    return String(stdout)
  }

  async json(...args: readonly string[]): Promise<any> {
    return JSON.parse(await this.text(...args, '-o', 'json'))
  }

  /** The command, while it runs. */
  start(...args: readonly string[]): Cli {
    const running = new Cli(args, this.env, this.folder)
    running.process.stdin?.end()
    this.#running.push(running)
    return running
  }

  /** A fleet in the foreground, once all of it is ready. */
  async up(...args: readonly string[]): Promise<Cli> {
    const running = this.start('up', ...args)
    const waiting = this.run('wait', 'all', '--timeout', '60s')
    const first = await Promise.race([running.ended, this.#ready(waiting)])
    if (first !== undefined) throw new Error(`up ended with ${first.code}:\n${String(first.stdout)}\n${first.stderr}`)
    return running
  }

  /** Until it is served, and then until all are ready. */
  async #ready(waiting: Promise<Ended>): Promise<undefined> {
    for (let last = await waiting; last.code !== 0; last = await this.run('wait', 'all', '--timeout', '60s'))
      if (last.code !== 5) throw new Error(`wait ended with ${last.code}: ${last.stderr}`)
    return undefined
  }

  /** Whatever a test has left, and the proof that nothing of a fleet is. */
  async close(): Promise<void> {
    for (const running of this.#running) {
      if (running.process.exitCode === null && running.process.signalCode === null) running.process.kill('SIGKILL')
      await running.ended
    }
    const { stdout } = await this.run('fleets', '-o', 'jsonl')
    for (const line of String(stdout).split('\n').filter(Boolean)) {
      const { name } = JSON.parse(line) as { name: string }
      await this.run('down', '--fleet', name, '--timeout', '0s')
    }
    await eventually(
      () => findByToken(this.token).length === 0,
      10_000,
      () => `something is left: ${findByToken(this.token).join(', ')}`,
    )
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** A test at a workplace of its own; ends by asserting that no worker of it is left. */
export function atWork(title: string, config: string, tell: (place: Workplace) => Promise<void>): void {
  void test(title, async () => {
    const place = new Workplace(config)
    try {
      await tell(place)
    } finally {
      await place.close()
    }
  })
}

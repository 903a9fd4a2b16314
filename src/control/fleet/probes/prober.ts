import { request as ask } from 'node:http'
import { request as askSecurely } from 'node:https'
import { connect } from 'node:net'
import { type Clock, sleep } from '../../../base/clock.ts'
import { TimeoutError, toError } from '../../../base/errors.ts'
import { describeExit } from '../../../base/exit.ts'
import { Master } from '../../../master/master.ts'
import type { Launcher } from '../../../process/launcher.ts'
import type { WorkerSpec } from '../../../worker/spec.ts'
import type { Worker } from '../../../worker/worker.ts'
import type { ProbePlan, ProgramPlan } from '../../config/fleet-plan.ts'

/** Where the command of a probe runs. */
type Surroundings = Pick<ProgramPlan, 'cwd' | 'env' | 'inheritEnv'>

/** The most a single probe may take where nobody says, in milliseconds. */
const PATIENCE = 10_000

/** Asks workers whether they work. */
export class Prober {
  readonly #clock: Clock
  /** For commands: workers of another master are nobody's business but ours. */
  readonly #master: Master
  #count = 0

  constructor(clock: Clock, launcher: Launcher) {
    this.#clock = clock
    this.#master = new Master({ clock, launcher })
  }

  /** Asks again and again until it is well, or the worker has ended. */
  async until(
    plan: ProbePlan & { readonly every: number },
    worker: Worker<any, any>,
    where: Surroundings,
  ): Promise<void> {
    const over = new AbortController()
    void worker.exited.then(() => over.abort())
    while (!over.signal.aborted) {
      const isWell = await this.once(plan, worker, where, PATIENCE, over.signal).then(
        () => true,
        () => false,
      )
      if (isWell) return
      await sleep(this.#clock, plan.every, over.signal).catch(() => {})
    }
    // Its end is told by itself.
    return new Promise(() => {})
  }

  /** Asks once. @throws with why it is not well. */
  async once(
    plan: ProbePlan,
    worker: Worker<any, any>,
    where: Surroundings,
    timeout: number,
    signal?: AbortSignal,
  ): Promise<void> {
    const late = new AbortController()
    const timer = this.#clock.after(timeout, () =>
      late.abort(new TimeoutError(`no answer within ${timeout} ms`, describe(plan), timeout)),
    )
    const either = signal === undefined ? late.signal : AbortSignal.any([late.signal, signal])
    try {
      await this.#ask(plan, worker, where, either)
    } catch (error) {
      throw new Error(`${describe(plan)}: ${toError(error).message}`, { cause: error })
    } finally {
      timer.cancel()
    }
  }

  async stop(): Promise<void> {
    await this.#master.stop({ eof: 0, grace: 0 })
  }

  #ask(plan: ProbePlan, worker: Worker<any, any>, where: Surroundings, signal: AbortSignal): Promise<unknown> {
    switch (plan.probe) {
      case 'command':
        return this.#run(plan, worker.id, where, signal)
      case 'http':
        return askForPage(plan.url, signal)
      case 'tcp':
        return knock(plan.host, plan.port, signal)
      case 'call':
        return worker.rpc().with({ signal }).call(plan.method)
    }
  }

  async #run(
    plan: ProbePlan & { readonly probe: 'command' },
    id: string,
    where: Surroundings,
    signal: AbortSignal,
  ): Promise<void> {
    const probe = this.#master.getWorker(`${id} probe ${++this.#count}`)
    const stop = (): void => void probe.stop({ eof: 0, grace: 0 })
    signal.addEventListener('abort', stop, { once: true })
    try {
      await probe.start(plan.file, plan.args, { ...placeOf(where), stdout: 'ignore' })
      const exit = await probe.exited
      signal.throwIfAborted()
      if (exit.kind !== 'normal') throw new Error(describeExit(exit))
    } finally {
      signal.removeEventListener('abort', stop)
      void this.#master.delWorker(probe.id, { eof: 0, grace: 0 })
    }
  }
}

/** The directory and the environment of a program, as a worker takes them. */
export function placeOf({ cwd, env, inheritEnv }: Surroundings): Pick<WorkerSpec, 'cwd' | 'env' | 'inheritEnv'> {
  return {
    cwd,
    env: Object.fromEntries(Object.entries(env).map(([key, value]) => [key, value ?? undefined])),
    ...(inheritEnv === undefined ? {} : { inheritEnv }),
  }
}

function describe(plan: ProbePlan): string {
  switch (plan.probe) {
    case 'command':
      return [plan.file, ...plan.args].join(' ')
    case 'http':
      return plan.url
    case 'tcp':
      return `${plan.host}:${plan.port}`
    case 'call':
      return `call ${plan.method}`
  }
}

function askForPage(url: string, signal: AbortSignal): Promise<void> {
  const send = url.startsWith('https:') ? askSecurely : ask
  return new Promise((resolve, reject) => {
    const request = send(url, { signal, agent: false }, (response) => {
      const { statusCode = 0 } = response
      response.destroy()
      if (statusCode >= 200 && statusCode < 400) resolve()
      else reject(new Error(`answered ${statusCode}`))
    })
    request.on('error', (error) => reject(signal.aborted ? toError(signal.reason) : error))
    request.end()
  })
}

function knock(host: string, port: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port })
    const refuse = (): void => settle(() => reject(toError(signal.reason)))
    const settle = (how: () => void): void => {
      signal.removeEventListener('abort', refuse)
      socket.destroy()
      how()
    }
    if (signal.aborted) return refuse()
    signal.addEventListener('abort', refuse, { once: true })
    socket.on('connect', () => settle(resolve))
    socket.on('error', (error) => settle(() => reject(error)))
  })
}

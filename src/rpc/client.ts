import { checkKeys } from '../base/options.ts'
import { ByNameCaller } from './by-name.ts'
import { CheckedCaller } from './checks/checked-caller.ts'
import type { MethodSchemas } from './checks/check.ts'
import { type Bytes, type Millis, parseBytes, parseMillis } from '../base/units.ts'
import type { Params } from './messages.ts'

/** How calls are made. */
export interface CallOptions {
  /** After this it rejects with `TimeoutError`, and is cancelled on the other side. @default none */
  readonly timeout?: Millis
  /**
   * How much CPU time the worker may use while the call is in flight; more ends the worker. Meant for one call at a time:
   * what others use meanwhile counts too. @default none
   */
  readonly cpuTime?: Millis
  /** How much memory the worker may use while the call is in flight, watched in the same way. @default none */
  readonly memory?: Bytes
  /** Rejects with its reason, and cancels. */
  readonly signal?: AbortSignal
  /** Hears what the function tells of its progress. */
  readonly onProgress?: (value: any) => void
  /**
   * What happens when the worker ends before it has answered: `'retry'` asks its next life, for calls that may be done
   * twice. @default 'fail'
   */
  readonly onDeath?: 'fail' | 'retry'
}

/** `CallOptions` with every value read. */
export interface ReadCallOptions {
  readonly timeout: number
  readonly cpuTime: number
  readonly memory: number
  readonly signal: AbortSignal | undefined
  readonly onProgress: ((value: unknown) => void) | undefined
  readonly retry: boolean
}

/** @throws TypeError, RangeError */
export function readCallOptions(options: CallOptions): ReadCallOptions {
  checkKeys(options, ['timeout', 'cpuTime', 'memory', 'signal', 'onProgress', 'onDeath'], 'Cannot use the call options')
  const { timeout = Infinity, cpuTime = Infinity, memory = Infinity, signal, onProgress, onDeath = 'fail' } = options
  if (onDeath !== 'fail' && onDeath !== 'retry')
    throw new TypeError(`Cannot use ${JSON.stringify(onDeath)} as onDeath: expected 'fail' or 'retry'`)
  return {
    timeout: parseMillis(timeout, 'timeout'),
    cpuTime: parseMillis(cpuTime, 'cpuTime'),
    memory: memory === Infinity ? memory : parseBytes(memory, 'memory'),
    signal,
    onProgress,
    retry: onDeath === 'retry',
  }
}

/**
 * Whoever has calls answered: a peer, a worker through all its lives, a pool. A timeout counts from `since`, by the clock;
 * where it is not given, from now.
 */
export interface Caller {
  call(method: string, params: Params, options: ReadCallOptions, since?: number): Promise<unknown>
  notify(method: string, params: Params, since?: number): Promise<void>
  stream(method: string, params: Params, options: ReadCallOptions, since?: number): AsyncIterable<unknown>
}

/** How the arguments of a call travel: in a list, or as the one object that the other side knows the members of. */
export type ParamsStyle = 'by-position' | 'by-name'

/** @throws TypeError */
export function readParamsStyle(value: unknown): ParamsStyle {
  if (value === 'by-position' || value === 'by-name') return value
  throw new TypeError(`Cannot use ${JSON.stringify(value)} as params: expected 'by-position' or 'by-name'`)
}

/** For those who make so many calls that each with its own options would cost too much. */
export const CALLER: unique symbol = Symbol('pagent.caller')

type Fn = (...args: any[]) => unknown
/** An API of which nothing is known: every name may be one of its. */
type Untyped<Api> = string extends keyof Api ? true : false
/** The names of the functions of an API. */
export type MethodOf<Api> =
  Untyped<Api> extends true ? string : { [Name in keyof Api]: Api[Name] extends Fn ? Name : never }[keyof Api] & string
/** A function by its name. */
type At<Api, Name> = Name extends keyof Api ? Api[Name] : any
type ArgsOf<Method> = 0 extends 1 & Method ? any[] : Method extends (...args: infer Args) => unknown ? Args : never
type ResultOf<Method> = 0 extends 1 & Method
  ? any
  : Method extends (...args: any[]) => infer Result
    ? Awaited<Result>
    : never
type ItemOf<Method> = 0 extends 1 & Method ? any : ResultOf<Method> extends AsyncIterable<infer Item> ? Item : never
/** What a function takes, and what it returns in the end. */
export type CallArgs<Api, Name> = ArgsOf<At<Api, Name>>
export type CallResult<Api, Name> = ResultOf<At<Api, Name>>
/** The names of those that return a stream. */
export type StreamOf<Api> = { [Name in MethodOf<Api>]: IfStream<At<Api, Name>, Name> }[MethodOf<Api>]
type IfStream<Method, Name> = 0 extends 1 & Method
  ? Name
  : ResultOf<Method> extends AsyncIterable<unknown>
    ? Name
    : never

/** The functions of an API as they are called from here: what returned a value returns a promise of it. */
export type Remote<Api> = Untyped<Api> extends true ? any : RemoteOf<Api>

type RemoteOf<Api> = {
  readonly [Name in MethodOf<Api>]: ResultOf<At<Api, Name>> extends AsyncIterable<infer Item>
    ? (...args: ArgsOf<At<Api, Name>>) => AsyncIterable<Item>
    : (...args: ArgsOf<At<Api, Name>>) => Promise<ResultOf<At<Api, Name>>>
}

/**
 * Calls the functions of another process, typed by its own source: `worker.rpc<typeof import('./their-module.ts')>()`.
 *
 * Every call settles, once: by its answer, its timeout, its signal, or the end of the worker.
 */
export class RpcClient<Api extends object = any> {
  readonly #caller: Caller
  readonly #given: CallOptions
  readonly #options: ReadCallOptions

  /** @throws TypeError, RangeError for options that cannot be. */
  constructor(caller: Caller, options: CallOptions = {}, style: ParamsStyle = 'by-position') {
    this.#caller = style === 'by-name' ? new ByNameCaller(caller) : caller
    this.#given = options
    this.#options = readCallOptions(options)
  }

  /**
   * Calls a function, and resolves with what it returns.
   *
   * @throws RpcError with what it threw, or when there is no such function.
   * @throws ExitError when the worker ended first; carries the exit, and so the cause and its last output.
   * @throws TimeoutError, FramingError, OverloadError
   */
  call<Name extends MethodOf<Api>>(method: Name, ...args: ArgsOf<At<Api, Name>>): Promise<ResultOf<At<Api, Name>>> {
    return this.#caller.call(method, args, this.#options) as Promise<ResultOf<At<Api, Name>>>
  }

  /** Calls a function and does not want to know. Resolves when the request was sent. */
  async notify<Name extends MethodOf<Api>>(method: Name, ...args: ArgsOf<At<Api, Name>>): Promise<void> {
    await this.#caller.notify(method, args)
  }

  /** Calls a function that returns an async iterable: reads it as it comes, and slows it down to the pace of the reader. */
  stream<Name extends StreamOf<Api>>(
    method: Name,
    ...args: ArgsOf<At<Api, Name>>
  ): AsyncIterable<ItemOf<At<Api, Name>>> {
    return this.#caller.stream(method, args, this.#options) as AsyncIterable<ItemOf<At<Api, Name>>>
  }

  /** Who makes the calls. */
  get [CALLER](): Caller {
    return this.#caller
  }

  /** The same with other options; what they do not say stays. */
  with(options: CallOptions): RpcClient<Api> {
    return new RpcClient<Api>(this.#caller, { ...this.#given, ...options })
  }

  /**
   * The same, whose arguments and results are checked by Standard Schemas (of zod, valibot, arktype, …), where a method has
   * some. What does not match rejects with `ValidationError`, and arguments are not sent then; else what the schemas make
   * of a value goes on.
   *
   * ```ts ignore needs zod
   * const adder = worker.rpc<Api>().checked({ add: { args: [z.number(), z.number()], result: z.number() } })
   * ```
   *
   * @throws TypeError for what are no schemas.
   */
  checked(schemas: { readonly [Name in MethodOf<Api>]?: MethodSchemas }): RpcClient<Api> {
    return new RpcClient<Api>(new CheckedCaller(this.#caller, schemas), this.#given)
  }

  /** The functions as if they were here. A stream is told from a value by `for await`. */
  get remote(): Remote<Api> {
    return new Proxy(NO_METHODS, {
      get: (_, name) => (typeof name === 'string' && name !== 'then' ? this.#remote(name) : undefined),
    }) as Remote<Api>
  }

  /** A promise that can be iterated. The call is made after the present step of the program, unless it is iterated in it. */
  #remote(method: string): (...args: unknown[]) => unknown {
    const [caller, options] = [this.#caller, this.#options]
    return (...args) => {
      let isStream = false
      const called = Promise.resolve().then(() => (isStream ? undefined : caller.call(method, args, options)))
      const iterate = (): AsyncIterator<unknown> => {
        isStream = true
        return caller.stream(method, args, options)[Symbol.asyncIterator]()
      }
      return Object.assign(called, { [Symbol.asyncIterator]: iterate })
    }
  }
}

const NO_METHODS: object = Object.freeze(Object.create(null) as object)

import type { Caller, ReadCallOptions } from '../client.ts'
import { type MethodSchemas, checkArguments, checkValue, readSchemas } from './check.ts'
import { checkedItems } from './checked.ts'

/** Calls another with arguments that their schemas allow only, and lets nothing else come back. */
export class CheckedCaller implements Caller {
  readonly #inner: Caller
  readonly #methods: ReadonlyMap<string, MethodSchemas>

  /** @throws TypeError for what are no schemas. */
  constructor(inner: Caller, schemas: Readonly<Record<string, MethodSchemas | undefined>>) {
    this.#inner = inner
    const read = Object.entries(schemas).map(([name, own]) => [name, readSchemas(name, own ?? {})] as const)
    this.#methods = new Map(read)
  }

  async call(method: string, params: readonly unknown[], options: ReadCallOptions): Promise<unknown> {
    const { args, result } = this.#methods.get(method) ?? {}
    const checked = await checkArguments(method, args, params)
    const answer = await this.#inner.call(method, checked, options)
    return result === undefined ? answer : checkValue(method, 'result', undefined, result, answer)
  }

  async notify(method: string, params: readonly unknown[]): Promise<void> {
    await this.#inner.notify(method, await checkArguments(method, this.#methods.get(method)?.args, params))
  }

  /** Begins when somebody reads. */
  async *stream(method: string, params: readonly unknown[], options: ReadCallOptions): AsyncGenerator {
    const { args, item } = this.#methods.get(method) ?? {}
    const items = this.#inner.stream(method, await checkArguments(method, args, params), options)
    yield* item === undefined ? items : checkedItems(method, item, items)
  }
}

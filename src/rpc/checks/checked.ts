import { type Call, callNow, during } from '../serving/current-call.ts'
import { isStream } from '../serving/outflow.ts'
import {
  type CheckedArgs,
  type GivenArgs,
  type MethodSchemas,
  checkArguments,
  checkValue,
  readSchemas,
} from './check.ts'
import type { StandardSchema } from './standard-schema.ts'

/**
 * A function that is called with what its schemas allow only, and returns nothing else: for the serving side. Who calls it
 * wrongly gets an `RpcError` with the code -32602 and the issues; what it returns wrongly is an error with -32603.
 *
 * `args` has a Standard Schema for each argument (of zod, valibot, arktype, …). The function gets what they make of what
 * came: defaults are filled in, text is trimmed.
 *
 * ```ts ignore needs zod
 * import { checked, serve } from 'pagent/worker'
 * import * as z from 'zod'
 * await serve({
 *   add: checked({ args: [z.number(), z.number()], result: z.number() }, (a, b) => a + b),
 * })
 * ```
 *
 * @throws TypeError for what are no schemas.
 */
export function checked<const Schemas extends readonly StandardSchema<any, any>[], Result>(
  schemas: MethodSchemas & { readonly args?: Schemas },
  run: (...args: CheckedArgs<Schemas>) => Result,
): (...args: GivenArgs<Schemas>) => Result | Promise<Awaited<Result>> {
  const method = run.name === '' ? 'the function' : run.name
  const { args, result, item } = readSchemas(method, schemas)
  const finish = (value: unknown): unknown => {
    if (isStream(value)) return item === undefined ? value : checkedItems(method, item, value)
    return result === undefined ? value : checkValue(method, 'result', undefined, result, value)
  }
  return (...given) => {
    const call = callNow()
    const ready = checkArguments(method, args, given)
    const answer = ready instanceof Promise ? ready.then((late) => runIn(call, run, late)) : run(...(ready as any))
    return (isPromise(answer) ? answer.then(finish) : finish(answer)) as any
  }
}

/** The function may ask for its call, though its arguments took their time. */
function runIn(call: Call | undefined, run: (...args: any[]) => unknown, args: readonly unknown[]): unknown {
  return call === undefined ? run(...args) : during(call, run, args)
}

/** Each item as the schema makes it. */
export async function* checkedItems(
  method: string,
  schema: StandardSchema<any, any>,
  items: AsyncIterable<unknown>,
): AsyncGenerator {
  for await (const item of items) yield await checkValue(method, 'item', undefined, schema, item)
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function'
}

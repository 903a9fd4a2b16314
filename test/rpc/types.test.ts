/** What the compiler says of calls. The functions below are never run: a line that is wrong is expected not to compile. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type * as json from '../../src/framing/json.ts'
import { type CallOptions, type MethodOf, type Remote, RpcClient, type StreamOf } from '../../src/rpc/client.ts'

interface Api {
  add(a: number, b: number): number
  greet(name: string, times?: number): Promise<string>
  sum(...numbers: number[]): number
  nothing(): void
  count(to: number): AsyncGenerator<number>
  rows(table: string): Promise<AsyncIterable<{ readonly id: number }>>
  readonly version: string
}

/** Two types are the same, and neither is `any` where the other is not. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

function same<A, B>(isSame: Same<A, B>): void {
  assert.ok(isSame)
}

export function names(): void {
  same<MethodOf<Api>, 'add' | 'greet' | 'sum' | 'nothing' | 'count' | 'rows'>(true)
  same<StreamOf<Api>, 'count' | 'rows'>(true)
  same<MethodOf<typeof json>, 'json' | 'jsonDecoders'>(true)
  same<MethodOf<any>, string>(true)
}

export async function calls(rpc: RpcClient<Api>): Promise<void> {
  const [sum, text, nothing] = [rpc.call('add', 1, 2), rpc.call('greet', 'you'), rpc.call('nothing')]
  same<typeof sum, Promise<number>>(true)
  same<typeof text, Promise<string>>(true)
  same<typeof nothing, Promise<void>>(true)
  await Promise.all([rpc.call('greet', 'you', 2), rpc.call('sum'), rpc.call('sum', 1, 2, 3), rpc.notify('add', 1, 2)])
  // @ts-expect-error there is no such method
  await rpc.call('subtract', 1, 2)
  // @ts-expect-error a name that is inherited is none
  await rpc.call('toString')
  // @ts-expect-error it is no function
  await rpc.call('version')
  // @ts-expect-error an argument is missing
  await rpc.call('add', 1)
  // @ts-expect-error there is one too many
  await rpc.call('add', 1, 2, 3)
  // @ts-expect-error it is no number
  await rpc.call('add', 1, '2')
  // @ts-expect-error they are no numbers
  await rpc.call('sum', 1, '2')
  // @ts-expect-error there is no such method
  await rpc.notify('subtract', 1, 2)
  // @ts-expect-error it is no number
  await rpc.notify('add', 1, '2')
}

export async function streams(rpc: RpcClient<Api>): Promise<void> {
  const [numbers, rows] = [rpc.stream('count', 3), rpc.stream('rows', 'people')]
  same<typeof numbers, AsyncIterable<number>>(true)
  same<typeof rows, AsyncIterable<{ readonly id: number }>>(true)
  // @ts-expect-error it is a value
  rpc.stream('add', 1, 2)
  // @ts-expect-error it is a value, of a promise too
  rpc.stream('greet', 'you')
  // @ts-expect-error there is no such method
  rpc.stream('counts', 3)
  // @ts-expect-error it is no number
  rpc.stream('count', '3')
  // @ts-expect-error an argument is missing
  rpc.stream('count')
  for await (const row of rows) same<typeof row, { readonly id: number }>(true)
}

export async function remote(rpc: RpcClient<Api>): Promise<void> {
  const { remote: api } = rpc
  same<typeof api, Remote<Api>>(true)
  same<ReturnType<typeof api.add>, Promise<number>>(true)
  same<Parameters<typeof api.greet>, Parameters<Api['greet']>>(true)
  same<ReturnType<typeof api.count>, AsyncIterable<number>>(true)
  same<ReturnType<typeof api.rows>, AsyncIterable<{ readonly id: number }>>(true)
  // @ts-expect-error there is no such method
  await api.subtract(1, 2)
  // @ts-expect-error it is no number
  await api.add(1, '2')
  // @ts-expect-error it is no function, so it is not there
  assert.ok(api.version)
  // @ts-expect-error nothing of it can be replaced
  api.add = async () => 3
  // @ts-expect-error a stream is no promise
  await api.count(3).then(assert.ok)
  // @ts-expect-error a value is no stream
  await Array.fromAsync(api.add(1, 2))
}

export async function options(rpc: RpcClient<Api>): Promise<void> {
  const other = rpc.with({ timeout: '5s', cpuTime: 200, memory: '64MiB', onDeath: 'retry', onProgress: () => {} })
  same<typeof other, RpcClient<Api>>(true)
  // @ts-expect-error it is no number
  await other.call('add', 1, '2')
  // @ts-expect-error there is no such option
  rpc.with({ timeOut: 5 })
  // @ts-expect-error there are two words
  rpc.with({ onDeath: 'restart' })
  // @ts-expect-error it is a size or a number
  rpc.with({ memory: true })
}

/** Of an API that nobody has described every name may be a method, and every value an argument. */
export async function untyped(rpc: RpcClient): Promise<void> {
  const answer = rpc.call('any name', 1, 'two', {})
  same<typeof answer, Promise<any>>(true)
  for await (const item of rpc.stream('any name', 1)) same<typeof item, any>(true)
  await rpc.notify('any name', [])
  await rpc.remote['any']?.('arguments')
  const { any } = rpc.remote
  if (any !== undefined) for await (const item of any()) same<typeof item, any>(true)
  // @ts-expect-error but a name is text
  await rpc.call(7)
}

/** One that answers with what it was asked. */
function asked(): RpcClient<Api> {
  return new RpcClient<Api>({
    call: (...args) => Promise.resolve(args.slice(0, 2)),
    notify: () => Promise.resolve(),
    stream: async function* (...args) {
      yield args.slice(0, 2)
    },
  })
}

test('a client calls by name, and by its remote the same', async () => {
  const rpc = asked()
  assert.deepEqual(await rpc.call('add', 1, 2), ['add', [1, 2]])
  assert.deepEqual(await rpc.remote.add(1, 2), ['add', [1, 2]])
  assert.deepEqual(await Array.fromAsync(rpc.stream('count', 3)), [['count', [3]]])
  assert.deepEqual(await Array.fromAsync(rpc.remote.count(3)), [['count', [3]]])
})

test('a remote is no promise, whatever it is awaited or returned by', async () => {
  const { remote: api } = asked()
  assert.equal(await Promise.resolve(api), api)
  assert.equal((api as { then?: unknown }).then, undefined)
  assert.equal((api as { [Symbol.iterator]?: unknown })[Symbol.iterator], undefined)
  const methods = api as unknown as Readonly<Record<string, () => Promise<unknown>>>
  for (const name of ['constructor', 'toString', '__proto__']) assert.deepEqual(await methods[name]?.(), [name, []])
})

test('a remote that is iterated makes no call beside', async () => {
  const made: string[] = []
  const rpc = new RpcClient({
    call: async () => made.push('call'),
    notify: async () => {},
    stream: async function* () {
      made.push('stream')
      yield 1
    },
  })
  assert.deepEqual(await Array.fromAsync(rpc.remote['any']?.()), [1])
  await rpc.remote['any']?.()
  assert.deepEqual(made, ['stream', 'call'])
})

test('options that cannot be are refused when they are given, and others stay', () => {
  const rpc = asked()
  for (const [given, says] of [
    [{ timeOut: 1 }, /no option "timeOut"; there are timeout, /],
    [{ timeout: -1 }, /Cannot use -1 as timeout/],
    [{ timeout: 'soon' }, /Cannot use "soon" as timeout/],
    [{ cpuTime: Number.NaN }, /Cannot use NaN as cpuTime/],
    [{ memory: 'lots' }, /Cannot use "lots" as memory/],
    [{ onDeath: 'panic' }, /Cannot use "panic" as onDeath: expected 'fail' or 'retry'/],
  ] as const)
    assert.throws(() => rpc.with(given as CallOptions), says)
  const plans: unknown[] = []
  const spy = new RpcClient({
    call: async (_, __, plan) => plans.push([plan.timeout, plan.retry]),
    notify: async () => {},
    stream: async function* () {},
  })
  void spy.with({ timeout: '1s', onDeath: 'retry' }).with({ timeout: 50 }).call('any')
  assert.deepEqual(plans, [[50, true]])
})

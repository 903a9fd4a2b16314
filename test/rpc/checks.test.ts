/** Arguments and results are checked by Standard Schemas, on either side: zod's, valibot's, or anybody's. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as v from 'valibot'
import * as z from 'zod'
import {
  Pool,
  type RpcClient,
  type RpcError,
  type StandardSchema,
  ValidationError,
  checked,
  memoryChannels,
  rpc,
} from '../../src/index.ts'
import { currentCall } from '../../src/sdk/index.ts'

interface Api {
  add(a: number, b: number): number
  greet(name: string, title?: string): string
  wrong(): unknown
  count(to: number): AsyncIterable<number>
}

/** Takes its time; doubles what it is given. */
const slowDouble: StandardSchema<number, number> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: async (value) => {
      await new Promise(setImmediate)
      return typeof value === 'number' ? { value: value * 2 } : { issues: [{ message: 'no number', path: [] }] }
    },
  },
}

/** What was asked of the other side, and a client of it. */
function connected(serve: object): { client: RpcClient<Api>; asked: unknown[][] } {
  const asked: unknown[][] = []
  const heard = Object.fromEntries(
    Object.entries(serve).map(([name, run]: [string, any]) => [
      name,
      (...args: unknown[]) => (asked.push([name, ...args]), run(...args)),
    ]),
  )
  const [here, there] = memoryChannels<any>()
  rpc(there, { serve: heard })
  return { client: rpc<Api>(here, { who: 'worker "w"' }), asked }
}

const plain = {
  add: (a: number, b: number) => a + b,
  greet: (name: string, title = 'Dr') => `${title} ${name}`,
  wrong: () => ({ size: { width: 'wide' } }),
  count: async function* (to: number) {
    for (let i = 1; i <= to; i++) yield i === 3 ? 'three' : i
  },
}

const invalid = (own: Partial<ValidationError>) => (error: unknown) => {
  assert.ok(error instanceof ValidationError, String(error))
  assert.partialDeepStrictEqual(Object.fromEntries(Object.entries(error)), { code: 'ERR_PAGENT_VALIDATION', ...own })
  return true
}

const libraries: [name: string, number: StandardSchema<number>, text: StandardSchema<string>, size: StandardSchema][] =
  [
    ['zod', z.number(), z.string().min(1), z.object({ size: z.object({ width: z.number() }) })],
    ['valibot', v.number(), v.pipe(v.string(), v.minLength(1)), v.object({ size: v.object({ width: v.number() }) })],
  ]

for (const [library, number, text, size] of libraries)
  void describe(`a client with schemas of ${library}`, () => {
    const schemas = {
      add: { args: [number, number], result: number },
      greet: { args: [text], result: text },
      wrong: { result: size },
      count: { args: [number], item: number },
    } as const

    void it('lets through what matches', async () => {
      const { client } = connected(plain)
      const safe = client.checked(schemas)
      assert.equal(await safe.call('add', 1, 2), 3)
      assert.equal(await safe.remote.greet('Who'), 'Dr Who')
      assert.deepEqual(await Array.fromAsync(safe.stream('count', 2)), [1, 2])
      await safe.notify('add', 1, 2)
      assert.equal(await safe.with({ timeout: '1s' }).call('add', 3, 4), 7, 'other options keep the schemas')
    })

    void it('sends no argument that does not match, and says which', async () => {
      const { client, asked } = connected(plain)
      const safe = client.checked(schemas) as RpcClient
      const wrong = { method: 'add', part: 'argument', index: 1 } as const
      await assert.rejects(safe.call('add', 1, 'two'), invalid(wrong))
      await assert.rejects(safe.notify('add', 1), invalid(wrong))
      await assert.rejects(safe.call('add', 1, 2, 3), invalid({ ...wrong, index: 2 }))
      await assert.rejects(safe.call('greet', ''), {
        message: /^Cannot call greet: argument 1 does not match its schema: ./,
      })
      await assert.rejects(Array.fromAsync(safe.stream('count', 'x')), invalid({ method: 'count', index: 0 }))
      assert.deepEqual(asked, [])
    })

    void it('checks the one object of calls that go by name, and sends it so', async () => {
      const [here, there] = memoryChannels<any>(10)
      const safe = rpc(here, { params: 'by-name' }).checked({ lines: { args: [size], item: number }, any: {} })
      const given = { size: { width: 7 } }
      const stream = safe.stream('lines', given)[Symbol.asyncIterator]()
      const calls = [safe.call('lines', given), safe.remote.lines(given), safe.call('any', [1]), safe.call('any')]
      for (const one of [stream.next(), safe.notify('lines', given), ...calls]) one.catch(() => {})
      await assert.rejects(safe.call('lines', { size: 7 }), invalid({ method: 'lines', part: 'argument', index: 0 }))
      await assert.rejects(safe.call('lines', given, given), invalid({ method: 'lines', index: 1 }))
      await assert.rejects(safe.call('any', given, given), {
        name: 'TypeError',
        message: /by name it takes one object/,
      })
      await here.end()
      const sent = await Array.fromAsync(there, ({ method, params }) => ({ method, params }))
      const lines = { method: 'lines', params: given }
      assert.deepEqual(
        sent.filter(({ method }) => method === 'lines'),
        [lines, lines, lines, lines],
      )
      assert.deepEqual(
        sent.filter(({ method }) => method === 'any').map(({ params }) => params),
        [[1], undefined],
      )
    })

    void it('lets no result through that does not match, and says where in it', async () => {
      const { client } = connected(plain)
      const safe = client.checked(schemas)
      await assert.rejects(safe.call('wrong'), (error) => {
        invalid({ method: 'wrong', part: 'result' })(error)
        const { issues, message } = error as ValidationError
        assert.deepEqual(
          issues.map(({ path }) => path),
          [['size', 'width']],
        )
        assert.match(message, /^Cannot call wrong: the result does not match its schema: size\.width: ./)
        return true
      })
    })

    void it('ends a stream at an item that does not match, and the other side hears of it', async () => {
      const closed = Promise.withResolvers<void>()
      const { client } = connected({
        count: async function* () {
          try {
            for (;;) yield 'three'
          } finally {
            closed.resolve()
          }
        },
      })
      const items: unknown[] = []
      const read = async (): Promise<void> => {
        for await (const item of client.checked(schemas).stream('count', 9)) items.push(item)
      }
      await assert.rejects(read(), invalid({ method: 'count', part: 'item' }))
      assert.deepEqual(items, [])
      await closed.promise
    })

    void it('checked() on the serving side answers with the code for wrong arguments, or its own fault', async () => {
      const { client } = connected({
        add: checked({ args: [number, number], result: number }, (a, b) => a + b),
        wrong: checked({ result: size }, () => plain.wrong()),
        count: checked({ args: [number], item: number }, (to) => plain.count(to)),
      })
      const loose = client as RpcClient
      assert.equal(await loose.call('add', 1, 2), 3)
      await assert.rejects(loose.call('add', 'one', 2), (error: RpcError) => {
        assert.equal(error.rpcCode, -32_602)
        assert.match(error.message, /^add failed in worker "w": argument 1 does not match its schema: /)
        assert.partialDeepStrictEqual(error.data, {
          code: 'ERR_PAGENT_VALIDATION',
          data: { part: 'argument', index: 0 },
        })
        return true
      })
      await assert.rejects(loose.call('add', 1, 2, 3), { rpcCode: -32_602 })
      await assert.rejects(loose.call('wrong'), (error: RpcError) => {
        assert.equal(error.rpcCode, -32_603)
        const { issues } = (error.data as any).data
        assert.deepEqual(issues[0].path, ['size', 'width'])
        return true
      })
      assert.deepEqual(await Array.fromAsync(loose.stream('count', 2)), [1, 2])
      await assert.rejects(Array.fromAsync(loose.stream('count', 5)), { rpcCode: -32_603 })
    })
  })

void describe('a schema', () => {
  void it('may take its time, and what it makes of a value goes on', async () => {
    const { client, asked } = connected({
      add: checked({ args: [slowDouble, slowDouble], result: slowDouble }, async (a, b) => a + b),
    })
    assert.equal(await client.call('add', 1, 2), 12)
    const safe = client.checked({ add: { args: [slowDouble, z.number().optional().default(100)], result: slowDouble } })
    assert.equal(await (safe as RpcClient).call('add', 1), 2 * 2 * (2 * 2 * 1 + 2 * 100))
    assert.deepEqual(asked.at(-1), ['add', 2, 100])
    await assert.rejects(
      (safe as RpcClient).call('add', 'x'),
      invalid({ issues: [{ message: 'no number', path: [] }] }),
    )
  })

  void it('of an argument that may be left out does not put it in', async () => {
    const { client, asked } = connected(plain)
    const safe = client.checked({ greet: { args: [z.string(), z.string().optional()] } })
    assert.equal(await safe.call('greet', 'Who'), 'Dr Who')
    assert.deepEqual(asked, [['greet', 'Who']])
  })

  void it('that throws fails the call with what it threw', async () => {
    const broken = { '~standard': { version: 1, vendor: 'x', validate: () => assert.fail('broken') } } as StandardSchema
    const { client } = connected(plain)
    await assert.rejects(client.checked({ add: { result: broken } }).call('add', 1, 2), /broken/)
  })

  void it('leaves a function its call, also when it takes its time', async () => {
    const { client } = connected({
      add: checked({ args: [slowDouble, slowDouble] }, (a, b) => {
        currentCall().progress(a)
        return b
      }),
    })
    const seen: unknown[] = []
    assert.equal(await client.with({ onProgress: (value) => seen.push(value) }).call('add', 1, 2), 4)
    assert.deepEqual(seen, [2])
  })

  void it('that is none is refused at once, as is what cannot have one', () => {
    const { client } = connected(plain)
    for (const [schemas, message] of [
      [{ add: { args: [{}] } }, /Cannot check add: \[object Object\] is no Standard Schema/],
      [{ add: { args: z.number() } }, /its args are no list; give a schema for each argument/],
      [{ add: { results: z.number() } }, /there is no "results"; give args, result or item/],
    ] as [object, RegExp][])
      assert.throws(() => client.checked(schemas), { name: 'TypeError', message })
    assert.throws(() => checked({ result: 5 as never }, () => 1), { name: 'TypeError' })
  })

  void it('types what a function is given', async () => {
    const add = checked({ args: [z.number(), z.string().transform(Number)] }, (a, b) => a.toFixed(b))
    assert.equal(await add(1, '2'), '1.00')
    // @ts-expect-error there is no such method
    connected(plain).client.checked({ subtract: { result: z.number() } })
  })
})

void it('the calls of a pool are checked as others are', async (t) => {
  const module = 'data:text/javascript,export const add = (a, b) => a + b'
  const pool = new Pool<Api>({ module, size: 1 })
  t.after(() => pool.stop())
  const safe = pool.with({ timeout: '1m' }).checked({ add: { args: [z.number(), z.number()], result: z.string() } })
  await assert.rejects((safe as RpcClient).call('add', 1), invalid({ index: 1 }))
  await assert.rejects(safe.call('add', 1, 2), invalid({ part: 'result' }))
})

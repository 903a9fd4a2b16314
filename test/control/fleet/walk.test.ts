import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Dependent, type Visit, walkBackward, walkForward } from '../../../src/control/fleet/units/walk.ts'
import { settled } from '../../support/fake-clock.ts'

/** Visits that a test ends by hand. */
function visits(): {
  log: string[]
  visit: (item: Dependent, failed?: readonly string[]) => Visit
  end: Ends
  begin: Ends
} {
  const log: string[] = []
  const open = new Map<string, [PromiseWithResolvers<void>, PromiseWithResolvers<boolean>]>()
  const visit = ({ id }: Dependent, failed: readonly string[] = []): Visit => {
    const [begun, done] = [Promise.withResolvers<void>(), Promise.withResolvers<boolean>()]
    open.set(id, [begun, done])
    log.push([id, ...failed].join('!'))
    return { begun: begun.promise, done: done.promise }
  }
  const end = async (id: string, well = true): Promise<string> => {
    open.get(id)?.[1].resolve(well)
    await settled()
    return log.splice(0).join(' ')
  }
  const begin = async (id: string): Promise<string> => {
    open.get(id)?.[0].resolve()
    await settled()
    return log.splice(0).join(' ')
  }
  return { log, visit, end, begin }
}

type Ends = (id: string, well?: boolean) => Promise<string>

const on = (id: string, dependsOn: string[] = [], startsAfter: string[] = []): Dependent => ({
  id,
  dependsOn,
  startsAfter,
})

const ITEMS = [on('a'), on('b'), on('c', ['a', 'b', 'elsewhere']), on('d', [], ['a']), on('e', ['c', 'd'])]

test('forward, each is visited once those it depends on are done, and hears which of them failed', async () => {
  const { visit, end, begin, log } = visits()
  const all = walkForward(ITEMS, visit)
  await settled()
  assert.equal(log.splice(0).join(' '), 'a b')
  assert.equal(await begin('a'), 'd')
  assert.equal(await end('a', false), '')
  assert.equal(await end('b'), 'c!a')
  assert.equal(await end('d'), '')
  assert.equal(await end('c', false), 'e!c')
  await end('e')
  await all
})

test('who starts after one that never begins follows when that is over', async () => {
  const { visit, end, log } = visits()
  void walkForward([on('a'), on('b', [], ['a'])], visit)
  await settled()
  assert.equal(log.splice(0).join(' '), 'a')
  assert.equal(await end('a', false), 'b')
})

test('backward, each is visited once those that depend on it are', async () => {
  const { visit, end, log } = visits()
  const all = walkBackward(ITEMS, async (item) => visit(item).done)
  await settled()
  assert.equal(log.splice(0).join(' '), 'e')
  assert.equal(await end('e'), 'd c')
  assert.equal(await end('c'), 'b')
  assert.equal(await end('d'), 'a')
  await Promise.all([end('a'), end('b')])
  await all
})

test('a visit that rejects ends the walk with its error', async () => {
  await assert.rejects(
    walkBackward(ITEMS, () => Promise.reject(new Error('no'))),
    /no/,
  )
})

test('what hundreds depend on is found without asking each for each', async () => {
  const ids = Array.from({ length: 300 }, (_, index) => `dependency-${index}`)
  let asked = 0
  const counted = (id: string): Dependent => ({
    id,
    get dependsOn() {
      asked++
      return ids
    },
  })
  const items = [...ids.map((id) => on(id)), ...ids.map((_, index) => counted(`user-${index}`))]
  const order: string[] = []
  await walkBackward(items, async ({ id }) => order.push(id))
  assert.ok(order.slice(0, ids.length).every((id) => id.startsWith('user-')))
  await walkForward(items, () => ({ begun: Promise.resolve(), done: Promise.resolve(true) }))
  assert.ok(asked <= 10 * ids.length, `${asked} times`)
})

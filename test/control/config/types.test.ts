/** What `pagent/config` lets be written; the compiler holds it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FleetConfig, defineConfig } from '../../../src/control/config/typed/index.ts'

test('defineConfig gives back what it is given', async () => {
  const config: FleetConfig = {
    name: 'shop',
    workers: { web: { command: ['node', 80], restart: 'always', ready: /x/ } },
  }
  assert.equal(defineConfig(config), config)
  const later = defineConfig(async () => ({ pools: { calc: { module: new URL('file:///x.ts'), size: { min: 1 } } } }))
  assert.deepEqual((await later()).pools?.['calc']?.size, { min: 1 })
  assert.equal(await defineConfig(Promise.resolve(config)), config)
})

test('what cannot be is no type', () => {
  // @ts-expect-error -- a key that is not there
  void defineConfig({ workers: { web: { comand: 'x' } } })
  // @ts-expect-error -- the command is missing
  void defineConfig({ workers: { web: {} } })
  // @ts-expect-error -- a word that is not there
  void defineConfig({ workers: { web: { command: 'x', restart: 'alwys' } } })
  // @ts-expect-error -- a limit that is not there
  void defineConfig({ workers: { web: { command: 'x', limits: { memry: 5 } } } })
  // @ts-expect-error -- a signal that is not there
  void defineConfig({ workers: { web: { command: 'x', stopSignal: 'TERM' } } })
  // @ts-expect-error -- the keys of YAML are accepted, but have no types
  void defineConfig({ workers: { web: { command: 'x', ready_timeout: 5 } } })
})

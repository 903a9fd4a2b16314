/** An option that is undefined is one that was left out: `{ cwd: maybe }` needs no condition. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type Limits,
  type MasterOptions,
  type Shutdown,
  type WorkerSpec,
  channel,
  contentLength,
  json,
  jsonRpc,
  lengthPrefixed,
  lines,
  select,
  structured,
} from '../../src/index.ts'
import { story } from '../support/story.ts'

/** All options of a kind; one that is new does not compile until it stands here, too. */
type Nothing<Options> = { readonly [Name in keyof Required<Options>]: undefined }

const SPEC: Nothing<WorkerSpec> = {
  cwd: undefined,
  env: undefined,
  inheritEnv: undefined,
  framing: undefined,
  onMessage: undefined,
  onExit: undefined,
  onStderr: undefined,
  stdin: undefined,
  stdout: undefined,
  stderr: undefined,
  ready: undefined,
  readyTimeout: undefined,
  alive: undefined,
  restart: undefined,
  backoff: undefined,
  intensity: undefined,
  shutdown: undefined,
  limits: undefined,
  launcher: undefined,
  propagate: undefined,
}

const SHUTDOWN: Nothing<Shutdown> = { farewell: undefined, eof: undefined, killSignal: undefined, grace: undefined }

const LIMITS: Nothing<Limits> = {
  memory: undefined,
  cpuTime: undefined,
  cpus: undefined,
  wallTime: undefined,
  idle: undefined,
  output: undefined,
  processes: undefined,
  openFiles: undefined,
  fileSize: undefined,
  enforce: undefined,
}

const MASTER: Nothing<MasterOptions> = {
  launcher: undefined,
  defaults: undefined,
  maxWorkers: undefined,
  maxStarts: undefined,
  clock: undefined,
}

void describe('an option that is undefined', () => {
  story(
    'is one that was left out',
    async (master) => {
      const cat = await master.getWorker('cat').start('cat', [], SPEC)
      const parts = {
        shutdown: SHUTDOWN,
        limits: LIMITS,
        backoff: { min: 1, max: 2, factor: undefined, jitter: undefined },
      }
      const other = await master.getWorker('other').start('cat', [], parts)
      for (const worker of [cat, other]) {
        await worker.send('hello')
        assert.equal(await worker.receive({ signal: undefined }), 'hello')
        assert.deepEqual(worker.limits, {})
        assert.partialDeepStrictEqual(await worker.stop(SHUTDOWN), { kind: 'stopped', step: 'eof', exitCode: 0 })
      }
    },
    MASTER,
  )

  story(
    'leaves what the master has said',
    async (master) => {
      const worker = await master.getWorker('w').start('sh', ['-c', 'pwd; echo $A'], SPEC)
      assert.deepEqual([await worker.receive(), await worker.receive()], ['/', 'a'])
    },
    { defaults: { cwd: '/', env: { A: 'a' }, framing: lines() } },
  )

  void test('of a framing or of select has its default', async () => {
    const none = { maxLength: undefined, onOverlong: undefined, onInvalid: undefined }
    const { onInvalid: _, ...ofLines } = none
    const text = [lines(ofLines), json(none), jsonRpc(none), structured(none), contentLength({ maxLength: undefined })]
    assert.ok(text.every((framing) => framing.encode('x').length > 0))
    assert.equal(lengthPrefixed({ header: undefined, maxLength: undefined }).encode(Uint8Array.of(1)).length, 5)
    const one = channel<number>(1)
    await one.send(1)
    assert.deepEqual(await select({ one }, { timeout: undefined, signal: undefined }), { key: 'one', value: 1 })
  })
})

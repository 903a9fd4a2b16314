import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { fixture } from '../support/story.ts'

const script = `
  import { Master } from '${new URL('../../src/index.ts', import.meta.url).href}'
  const master = new Master()
  await master.getWorker('a').start('cat').catch((error) => console.log(error.code, error.message))
  await master.stop()`

void test('a fork server of another version is refused with what to do, and keeps nobody waiting', async () => {
  const PAGENT_FORK_SERVER = fixture('fork-server-of-another-version.sh')
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script]
  const env = { ...process.env, PAGENT_FORK_SERVER, PAGENT_LAUNCHER: 'fork-server' }
  const { stdout } = await promisify(execFile)(process.execPath, args, { env })
  assert.match(stdout, /^ERR_PAGENT_SPAWN Cannot start worker "a": .*another version of pagent.*npm run build/)
})

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe } from 'node:test'
import { forkServer } from '../../src/index.ts'
import { hasForkServer } from '../../src/process/fork-server/binary.ts'
import { childrenOf, eventually, findByToken } from '../support/processes.ts'
import { stretched } from '../support/scale.ts'
import { story } from '../support/story.ts'

const nameOf = (pid: number): string => readFileSync(`/proc/${pid}/comm`, 'latin1').trim()

function find(parent: number, name: string): number {
  const found = childrenOf(parent).find((pid) => nameOf(pid) === name)
  assert.ok(found !== undefined, `there is no ${name}`)
  return found
}

void describe(
  'a fork server that is lost',
  { skip: hasForkServer() ? false : 'needs the fork server: npm run build' },
  () => {
    const launcher = forkServer()

    story(
      'together with its guardian takes its workers along, and their groups',
      async (master) => {
        const token = `22222.${process.pid}`
        const script = `sleep ${token} & sleep ${token} & echo up; wait`
        const worker = await master.getWorker('w').start('sh', ['-c', script], { ready: 'first-message' })
        const guardian = find(process.pid, 'pagent-guard')
        const server = find(guardian, 'pagent-fork')
        // It shall not notice the end of the other one.
        process.kill(guardian, 'SIGSTOP')
        process.kill(server, 'SIGKILL')
        process.kill(guardian, 'SIGKILL')
        const exit = await worker.exited
        assert.partialDeepStrictEqual(exit, { kind: 'crashed', stage: 'launcher' })
        await eventually(() => findByToken(token).length === 0, stretched(500), 'a group is left')
        assert.equal((await master.getWorker('next').start('cat')).state, 'running')
        await master.stop()
        await launcher.close()
      },
      { launcher },
    )
  },
)

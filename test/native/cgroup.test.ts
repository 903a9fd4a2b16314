import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { needsCompiler } from '../support/compile.ts'
import { program, run } from './program.ts'

const PARTS = [
  'cgroup',
  'cgroup-break',
  'cgroup-folder',
  'cgroup-handover',
  'cgroup-mounts',
  'cgroup-probe',
  'cgroup-kept',
  'cgroup-reuse',
]
const SOURCES = ['test/native/cgroup-test.c', ...PARTS.map((name) => `native/${name}.c`)]

/** As they are called in cgroup-test.c, which also says what groups cost. */
const TESTS = [
  'a group without limits costs nothing',
  'a memory bomb is killed and told',
  'one process too many is told',
  'the CPU time is exact',
  'a share of a CPU is all there is',
  'a good worker breaks nothing',
  'escapees are killed',
  'what is closed is gone',
  'a group that is as good as new is used again',
  'without file descriptors nothing is left behind',
  'two servers side by side',
  'the folder of a dead server is swept',
  'a dead server with a living guardian is not swept',
  'the guardian removes what the server left',
]

/** For surroundings of a kind; elsewhere there is nothing to see. */
const SOMEWHERE = ['strangers in the own group are left alone', 'nothing writable, nothing done']

const isLinux = process.platform === 'linux'

void describe('control groups', { skip: isLinux ? needsCompiler : 'needs Linux' }, () => {
  let path = ''
  before(() => (path = program('cgroup-test', SOURCES, { sanitized: false })))

  for (const title of [...TESTS, ...SOMEWHERE])
    void test(title, async (t) => {
      const { code, lines } = await run(path, [title])
      assert.equal(code, 0, lines.join('\n'))
      const skipped = lines.find((line) => line.startsWith(`skip ${title}: `))
      if (skipped === undefined) assert.ok(lines.includes(`ok ${title}`), lines.join('\n'))
      else if (TESTS.includes(title)) t.skip(`needs control groups: ${skipped.slice(title.length + 7)}`)
      else t.diagnostic(skipped)
    })
})

import assert from 'node:assert/strict'
import { accessSync, constants, mkdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'

const mount = '/sys/fs/cgroup'
const role = process.env['PAGENT_VM']
const controllers = ['cpu', 'memory', 'pids']

/** The group this process is in, as a folder. Version 2 is the line that begins with `0::`. */
function ownGroup(): string {
  return resolve(
    mount,
    `.${/^0::(?<path>.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.groups?.['path'] ?? ''}`,
  )
}

function wordsIn(folder: string, file: string): string[] {
  return readFileSync(join(folder, file), 'utf8').split(/\s+/).filter(Boolean)
}

/** Makes a group with a limit in `parent`, which passes its controllers on. */
function limitIn(t: TestContext, parent: string): string {
  writeFileSync(join(parent, 'cgroup.subtree_control'), controllers.map((name) => `+${name}`).join(' '))
  const child = join(parent, 'limited')
  mkdirSync(child)
  t.after(() => rmdirSync(child))
  writeFileSync(join(child, 'memory.max'), '64M')
  return readFileSync(join(child, 'memory.max'), 'utf8').trim()
}

function skip(as: string): { skip: string | false } {
  return { skip: role !== as && `only as ${as} in the machine of scripts/vm.mjs` }
}

test('root has the controllers of cgroup v2, where they are always mounted', skip('root'), (t) => {
  assert.equal(process.getuid?.(), 0)
  assert.equal(ownGroup(), mount)
  for (const name of controllers) assert.ok(wordsIn(mount, 'cgroup.controllers').includes(name), name)
  assert.equal(limitIn(t, mount), String(64 * 2 ** 20))
})

test('a user has a group to divide, alone in it, and nothing above', skip('user'), (t) => {
  const group = ownGroup()
  assert.equal(process.getuid?.(), 1000)
  assert.deepEqual(wordsIn(group, 'cgroup.procs'), [String(process.pid)])
  assert.deepEqual(wordsIn(group, 'cgroup.controllers'), controllers)
  for (const name of ['', 'cgroup.procs', 'cgroup.subtree_control', 'cgroup.threads'])
    assert.equal(statSync(join(group, name)).uid, 1000, name)
  assert.throws(() => accessSync(join(dirname(group), 'cgroup.procs'), constants.W_OK), { code: 'EACCES' })

  const own = join(group, 'own')
  mkdirSync(own)
  writeFileSync(join(own, 'cgroup.procs'), String(process.pid))
  assert.equal(ownGroup(), own)
  assert.equal(limitIn(t, group), String(64 * 2 ** 20))
})

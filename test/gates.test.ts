import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

test('a test that needs what is not installed is named, and fails the suite where everything is installed', (t) => {
  const file = fileIn(
    t,
    'skips.test.mjs',
    `import { test } from 'node:test'
test('runs', () => {})
test('compiles', { skip: 'needs cc: apt-get install gcc' }, () => {})
test('is for macOS', { skip: 'only on macOS' }, () => {})
`,
  )
  const [here, there] = [runTests(file, ''), runTests(file, 'true')]
  assert.deepEqual(here.lastLines, [
    'not run: compiles (needs cc: apt-get install gcc)',
    '1 passed, 0 failed, 2 skipped',
  ])
  assert.equal(here.status, 0)
  assert.match(there.lastLines[0] ?? '', /a failure here: compiles/)
  assert.equal(there.status, 1)
})

test('a suite with a failure, or without a test, does not pass', (t) => {
  const failing = fileIn(
    t,
    'fails.test.mjs',
    `import { test } from 'node:test'
test('fails', () => { throw new Error('on purpose') })
`,
  )
  assert.deepEqual(runTests(failing, '').lastLines.slice(-1), ['0 passed, 1 failed, 0 skipped'])
  assert.equal(runTests(failing, '').status, 1)
  assert.equal(runTests(join(root, 'test/no-such.test.ts'), '').status, 1)
})

test('lint reports a promise that nobody awaits', (t) => {
  const file = fileIn(t, 'probe.ts', 'const later = async (): Promise<number> => 1\nlater()\n')
  const oxlint = join(root, 'node_modules/.bin/oxlint')
  const { status, stdout } = spawnSync(oxlint, ['--type-aware', '-c', join(root, '.oxlintrc.json'), file], {
    encoding: 'utf8',
  })
  assert.match(stdout, /no-floating-promises/)
  assert.equal(status, 1)
})

test('the gate does not know a step that is not there', () => {
  const { status, stdout } = spawnSync(process.execPath, [join(root, 'scripts/ok.mjs'), 'frmat'], { encoding: 'utf8' })
  assert.match(stdout, /there is no step frmat; there are format, lint, types/)
  assert.equal(status, 1)
})

function runTests(file: string, ci: string): { status: number | null; lastLines: string[] } {
  // A run within a run: the outer one tells its tests so by NODE_TEST_CONTEXT, and the inner one would print for it.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const script = join(root, 'scripts/test.mjs')
  const { status, stdout } = spawnSync(process.execPath, [script, file], { encoding: 'utf8', env: { ...env, CI: ci } })
  return { status, lastLines: stdout.trimEnd().split('\n').slice(-2) }
}

function fileIn(t: TestContext, name: string, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'pagent-gates-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

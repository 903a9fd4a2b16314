// A reporter for node:test: what `spec` shows, and then one line of counts that scripts/vm.mjs reads. One reporter, on
// stdout: a second one, on a file, opens that file during the first test, which then seems to leave a descriptor behind.
import { Readable } from 'node:stream'
import { spec as Spec } from 'node:test/reporters'

// oxlint-disable-next-line import/no-default-export -- this is how node:test finds it
export default async function* report(events) {
  const results = { passed: 0, failed: 0, skipped: 0, skips: [] }
  yield* Readable.from(counted(events, results)).pipe(new Spec())
  yield `\n${process.env.PAGENT_VM_MARK} report ${JSON.stringify(results)}\n`
}

async function* counted(events, results) {
  for await (const event of events) {
    count(event, results)
    yield event
  }
}

function count({ type, data }, results) {
  // A reason is a string, for want of one it is true.
  if (type === 'test:pass' && data.skip !== undefined)
    results.skips.push({ name: data.name, reason: String(data.skip) })
  if (type !== 'test:summary') return
  const { passed, failed, cancelled, skipped } = data.counts
  Object.assign(results, { passed, failed: failed + cancelled, skipped })
}

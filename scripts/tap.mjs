// What a run of node:test says in TAP: how many passed, and which tests were skipped for want of a component.

/** The counts at the end of a report, and every skip with its reason. */
export function readTap(text) {
  const count = (name) => Number(new RegExp(`^# ${name} (\\d+)$`, 'm').exec(text)?.[1] ?? 0)
  const skips = [...text.matchAll(/^ *ok \d+ - (?<name>.*?) # SKIP ?(?<reason>.*)$/gm)]
  return {
    passed: count('pass'),
    failed: count('fail') + count('cancelled'),
    skipped: count('skipped'),
    skips: skips.map(({ groups }) => ({ name: groups.name, reason: groups.reason })),
  }
}

/** Whether a run may count as whole: where it is strict, no test went without the component it needs. */
export function passed(results, isStrict) {
  return results.failed === 0 && results.passed > 0 && !(isStrict && missing(results).length > 0)
}

/** One line for every test that was skipped for want of a component. */
export function verdict(results, isStrict) {
  const word = isStrict ? 'not run, which is a failure here' : 'not run'
  return missing(results).map(({ name, reason }) => `${word}: ${name} (${reason})`)
}

export function summary({ passed: ran, failed, skipped }) {
  return `${ran} passed, ${failed} failed, ${skipped} skipped`
}

function missing({ skips }) {
  return skips.filter(({ reason }) => reason.startsWith('needs '))
}

#!/usr/bin/env node
// Imports nothing before the check: on an older Node the rest would fail with a riddle.
const OLDEST = [22, 18] as const

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
  process.stderr.write(
    `pagent: this is Node ${process.versions.node}, and pagent needs ${OLDEST.join('.')} or newer; ` +
      'install one from https://nodejs.org, or run it by: npx -p node@24 -p pagent pagent\n',
  )
  process.exitCode = 1
} else {
  const { main } = await import('./program.ts')
  process.exitCode = await main(process.argv.slice(2))
}

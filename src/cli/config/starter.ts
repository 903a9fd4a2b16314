import { existsSync } from 'node:fs'
import { schemaLine } from '../../control/config/importers/fleet-yaml.ts'
import { SCHEMA_URL } from '../../control/config/schema/fleet-schema.ts'

/** A file to begin with. */
export interface Starter {
  readonly name: string
  readonly text: string
}

/** A configuration, and the worker in it. */
export function starterFiles(inTypeScript: boolean): readonly Starter[] {
  const config = inTypeScript
    ? { name: 'pagent.config.ts', text: MODULE }
    : { name: 'pagent.yaml', text: `#${schemaLine(schemaPath())}\n${YAML}` }
  return [config, { name: 'hello.mjs', text: WORKER }]
}

/** The installed one fits the installed version. */
function schemaPath(): string {
  const installed = './node_modules/pagent/schema/pagent.schema.json'
  return existsSync(installed) ? installed : SCHEMA_URL
}

const YAML = `# What pagent up runs. See what it comes to: pagent check
workers:
  hello:
    command: node hello.mjs
    ready: { line: listening }
    # restart: always        # or on-failure, no
    # replicas: 2            # hello-1 and hello-2
    # depends_on: [other]    # who must be ready before
    # limits: { memory: 256MiB, cpu_time: 10s }
`

const MODULE = `// What pagent up runs. See what it comes to: pagent check
import { defineConfig } from 'pagent/config'

export default defineConfig({
  workers: {
    hello: {
      command: 'node hello.mjs',
      ready: /listening/,
      // restart: 'always',        // or 'on-failure', 'no'
      // replicas: 2,              // hello-1 and hello-2
      // dependsOn: ['other'],     // who must be ready before
      // limits: { memory: '256MiB', cpuTime: '10s' },
    },
  },
})
`

const WORKER = `// A worker is any program: lines that are sent to it come on stdin, what it prints is its answer and its log.
import { createInterface } from 'node:readline'

console.log('hello is listening; try: pagent send hello world')
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'crash') throw new Error('as you wish')
  console.log(\`hello, \${line}\`)
}
// The end of stdin asks it to end.
`

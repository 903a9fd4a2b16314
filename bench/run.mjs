// npm run bench [-- --quick --rounds=5 --only=fanout,memory --with=/path/to/dist/index.js]
import { execFileSync, spawn } from 'node:child_process'
import os from 'node:os'
import { parseArgs } from 'node:util'
import { build } from './build.mjs'
import { machineTicks, stealSince } from './measure.mjs'
import { oneTick } from './one-tick.mjs'
import { percent, results, verdicts } from './report.mjs'
import { suites } from './suites.mjs'

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string' },
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    with: { type: 'string', multiple: true, default: [] },
  },
})
const size = options.quick
  ? { lines: 1e6, trips: 3000, workers: 200, rounds: 30, ms: 150, deaths: 40 }
  : { lines: 3e6, trips: 10_000, workers: 1000, rounds: 30, ms: 1000, deaths: 200 }
const roundCount = Number(options.rounds ?? (options.quick ? 2 : 5))

const env = { ...process.env }
// Both make every Node start slower, and not by the same for all.
delete env.NODE_EXTRA_CA_CERTS
delete env.NODE_OPTIONS
// Which launcher it is stands in the table.
delete env.PAGENT_LAUNCHER

const tools = build()
const chosen = suites(tools, size, options.with)
const known = [...Object.keys(chosen), 'onetick']
const wanted = options.only?.split(',') ?? known
for (const name of wanted) if (!known.includes(name)) throw new Error(`no suite ${name}; there are ${known.join(', ')}`)

const began = { at: performance.now(), ticks: machineTicks() }
console.log(`# pagent, measured\n\n${describeRun()}\n`)
for (const [name, suite] of Object.entries(chosen)) {
  if (!wanted.includes(name)) continue
  const ticks = machineTicks()
  const rounds = []
  for (let i = 0; i < roundCount; i++) rounds.push(await runRound(name, suite.contenders))
  process.stderr.write('\n')
  console.log(results(suite, rounds, Object.keys(suite.contenders), stealSince(ticks)))
  console.log(verdicts(suite, rounds))
}
if (wanted.includes('onetick')) console.log(oneTick(tools, env))
const minutes = ((performance.now() - began.at) / 60_000).toFixed(1)
console.log(`Took ${minutes} minutes; steal over the whole run ${percent(stealSince(began.ticks))}.`)

/** Every contender once, one after the other. */
async function runRound(suite, contenders) {
  const round = {}
  for (const [name, contender] of Object.entries(contenders)) {
    try {
      round[name] = await runOnce(contender)
      process.stderr.write('.')
    } catch (error) {
      process.stderr.write(`\n${suite}, ${name}: ${error.message}\n`)
    }
  }
  return round
}

function runOnce({ command: [file, ...args], env: own }) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { env: { ...env, ...own }, stdio: ['ignore', 'pipe', 'pipe'], timeout: 120_000 })
    const text = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr']) child[name].on('data', (chunk) => (text[name] += chunk))
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (code === 0) resolve(JSON.parse(text.stdout))
      else reject(new Error(`ended with ${code ?? signal}: ${text.stderr.trim().split('\n').slice(0, 8).join(' | ')}`))
    })
  })
}

function describeRun() {
  const without = tools.floor === undefined ? ' No C compiler: no floor; cat echoes, Node generates.' : ''
  const go = tools.go === undefined ? 'no Go' : ask('go', 'version').split(' ')[2]
  const bun = tools.bun === undefined ? 'no Bun' : `Bun ${ask(tools.bun[0], '--version').trim()}`
  const erlang = tools.erlang === undefined ? 'no Erlang' : 'Erlang'
  const cpus = os.cpus()
  return `Node ${process.version}, Linux ${os.release()}, ${cpus.length} × ${cpus[0]?.model ?? 'CPU'}; medians of ${roundCount} interleaved rounds. Peers: ${go}, ${bun}, ${erlang}.${without}`
}

function ask(command, question) {
  return execFileSync(command, [question], { encoding: 'utf8' })
}

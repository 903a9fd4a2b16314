// How many writes of the master it takes to send 100 small messages in one tick.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { table } from './report.mjs'

const MESSAGES = 100
const MARK = 'one-tick'
const CALLS = 'trace=write,writev,sendmsg,sendto'
const self = fileURLToPath(import.meta.url)

export function oneTick(tools, env) {
  const how = tools.strace ? `counted by strace -e ${CALLS}` : 'counted at the stream, because strace cannot be used'
  const rows = ['pagent', 'raw'].map((name) => {
    const writes = tools.strace ? traced(name, tools, env) : Number(run(name, tools, env))
    const verdict = name !== 'pagent' ? '' : writes === 1 ? '✓' : '✗ missed'
    return [name, String(writes), name === 'pagent' ? '1' : '', verdict]
  })
  return `### One tick: ${MESSAGES} small messages sent in one tick\n\n${table(['', 'writes', 'wanted', ''], rows)}\n\n${how}.\n`
}

/** The calls of the master's main thread that carry a marked message. */
function traced(name, { echo }, env) {
  const log = fileURLToPath(new URL('../.cache/bench/strace.log', import.meta.url))
  const args = ['-o', log, '-s', '200', '-e', CALLS, process.execPath, self, name, ...echo]
  const { status, stderr } = spawnSync('strace', args, { env, encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  return readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line.includes(`"${MARK}`)).length
}

function run(name, { echo }, env) {
  const { stdout } = spawnSync(process.execPath, [self, name, ...echo], { env, encoding: 'utf8' })
  return stdout
}

/** In a process of its own: sends, waits for every reply, prints how often a stream was told to write. */
async function send(name, [file, ...args]) {
  let writes = 0
  const plain = Socket.prototype._writeGeneric
  Socket.prototype._writeGeneric = function (writev, data, ...rest) {
    if (JSON.stringify(writev ? data.map(({ chunk }) => String(chunk)) : String(data)).includes(MARK)) writes++
    return plain.call(this, writev, data, ...rest)
  }
  const { open } = await import(`./contenders/${name}.mjs`)
  const replied = Promise.withResolvers()
  let left = MESSAGES
  const worker = await open(file, args, () => --left === 0 && replied.resolve())
  for (let i = 0; i < MESSAGES; i++) void worker.send(`${MARK} ${i}`)
  await replied.promise
  process.stdout.write(String(writes), () => process.exit(0))
}

if (process.argv[1] === self) await send(process.argv[2], process.argv.slice(3))

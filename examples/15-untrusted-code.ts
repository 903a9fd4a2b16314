// Code somebody has sent, under a budget. Whatever it breaks, it is ended for it, and the host goes on.
// A limit of memory needs the fork server: Linux.
// This is no sandbox: Node's --permission keeps files and processes from it, but hostile code wants a container.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Exit, Master } from 'pagent'

const master = new Master()
// Less output than a pipe holds: code that never returns to its event loop writes no more than that.
const limits = { cpuTime: '1s', memory: '192MiB', wallTime: '10s', output: '32KiB', processes: 32 } as const
let count = 0
/** Runs it to its end. Its secrets are none of ours: it gets no variable of our environment but PATH. */
async function run(code: string): Promise<{ readonly exit: Exit; readonly printed: string }> {
  const cwd = mkdtempSync(join(tmpdir(), 'untrusted-'))
  const id = `run-${++count}`
  const worker = await master.getWorker(id).start(process.execPath, ['--permission', '-e', code], {
    cwd,
    inheritEnv: ['PATH'],
    limits,
    onMessage: () => {},
  })
  const exit = await worker.exited
  await master.delWorker(id)
  rmSync(cwd, { recursive: true })
  return { exit, printed: exit.stdoutTail.trim() }
}

const broken = async (code: string): Promise<string> => {
  const { exit } = await run(code)
  return exit.kind === 'limit' ? exit.limit : exit.kind
}
console.log((await run('console.log(6 * 7)')).printed) // → 42
console.log(await broken('for (;;);')) // → cpuTime
console.log(await broken('const all = []; for (;;) all.push(Buffer.alloc(2 ** 20, 1))')) // → memory
console.log(await broken('setInterval(() => {}, 1000)')) // → wallTime
console.log(await broken('for (;;) console.log("x".repeat(1000))')) // → output
console.log((await run('fs.readFileSync("/etc/passwd")')).exit.stderrTail.includes('ERR_ACCESS_DENIED')) // → true
console.log((await run('console.log(Object.keys(process.env).join())')).printed) // → PATH
await master.stop()

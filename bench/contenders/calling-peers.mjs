// The libraries people call other processes and threads with, each as its own documentation sets it up for so many workers.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const file = (name) => fileURLToPath(new URL(`../workers/${name}`, import.meta.url))

/** Threads. By default one task at a time for each. */
function piscina(concurrentTasksPerWorker) {
  return async (count) => {
    const { Piscina } = await import('piscina')
    const filename = file('listed.mjs')
    const pool = new Piscina({ filename, minThreads: count, maxThreads: count, concurrentTasksPerWorker })
    return shared(count, (name, ...args) => pool.run(args, { name }))
  }
}

function tinypool(serialization) {
  return async (count) => {
    const { Tinypool } = await import('tinypool')
    const size = { minThreads: count, maxThreads: count }
    const pool = new Tinypool({ filename: file('listed.mjs'), runtime: 'child_process', serialization, ...size })
    return shared(count, (name, ...args) => pool.run(args, { name }))
  }
}

async function workerpool(count) {
  const { default: library } = await import('workerpool')
  const size = { minWorkers: count, maxWorkers: count }
  const pool = library.pool(file('workerpool.mjs'), { workerType: 'process', ...size })
  return shared(count, (method, ...args) => pool.exec(method, args))
}

/** Processes, which it gives a task at a time. */
async function jestWorker(count) {
  const { Worker } = await import('jest-worker')
  const pool = new Worker(file('jest.cjs'), { numWorkers: count, exposedMethods: ['add', 'echo'] })
  return shared(count, (method, ...args) => pool[method](...args))
}

async function vscodeJsonrpc(count) {
  const library = await import('vscode-jsonrpc/node')
  return Array.from({ length: count }, () => {
    const child = spawn(process.execPath, [file('jsonrpc.mjs')], { stdio: ['pipe', 'pipe', 'inherit'] })
    const reader = new library.StreamMessageReader(child.stdout)
    const connection = library.createMessageConnection(reader, new library.StreamMessageWriter(child.stdin))
    connection.listen()
    return (method, ...args) => connection.sendRequest(method, ...args)
  })
}

/** One function for all workers: a pool chooses. */
export function shared(count, call) {
  return Array.from({ length: count }, () => call)
}

export const peers = {
  piscina: piscina(1),
  'piscina, 50 a thread': piscina(50),
  'tinypool json': tinypool('json'),
  'tinypool advanced': tinypool('advanced'),
  workerpool,
  'jest-worker': jestWorker,
  'vscode-jsonrpc': vscodeJsonrpc,
}

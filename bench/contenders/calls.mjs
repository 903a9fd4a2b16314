// Who answers calls: pagent, and the least that Node itself makes possible. Each returns a function per worker; all know `add` and `echo`.
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { peers, shared } from './calling-peers.mjs'

const here = (name) => new URL(`../workers/${name}`, import.meta.url)
const file = (name) => fileURLToPath(here(name))
const library = () => import(process.env.PAGENT ?? 'pagent')

let master
let started = 0

/** With every feature on: a deadline for each call, cancellation, accounting. */
async function pagent(count, framing, program) {
  const { Master, [framing]: make } = await library()
  master ??= new Master()
  return Promise.all(
    Array.from({ length: count }, async () => {
      const worker = await master.getWorker(`served-${++started}`).start('node', [file(program)], { framing: make() })
      const api = worker.rpc({ timeout: '30s' })
      return (method, ...args) => api.call(method, ...args)
    }),
  )
}

/** The same through a pool, which chooses the worker. */
async function pagentPool(count, concurrency) {
  const { Pool } = await library()
  const pool = new Pool({ module: here('functions.mjs'), size: count, concurrency, call: { timeout: '30s' } })
  await pool.start()
  return shared(count, (method, ...args) => pool.call(method, args))
}

/** Ids and a map of promises over something that sends and hears. */
function byIds(send, hear) {
  const waiting = new Map()
  let last = 0
  hear(({ id, result }) => {
    const resolve = waiting.get(id)
    waiting.delete(id)
    resolve(result)
  })
  return (method, ...args) =>
    new Promise((resolve) => {
      waiting.set(++last, resolve)
      send({ id: last, method, args })
    })
}

function forked(serialization) {
  return (count) =>
    Array.from({ length: count }, () => {
      const child = fork(file('forked.mjs'), { serialization })
      return byIds(
        (message) => child.send(message),
        (heard) => child.on('message', heard),
      )
    })
}

function threads(count) {
  return Array.from({ length: count }, () => {
    const thread = new Worker(file('threaded.mjs'))
    return byIds(
      (message) => thread.postMessage(message, []),
      (heard) => thread.on('message', heard),
    )
  })
}

export const callers = {
  pagent: (count) => pagent(count, 'jsonRpc', 'served.mjs'),
  'pagent structured': (count) => pagent(count, 'structured', 'served-structured.mjs'),
  'pagent pool': (count) => pagentPool(count, 50),
  'pagent pool, 1 a worker': (count) => pagentPool(count, 1),
  'fork json': forked('json'),
  'fork advanced': forked('advanced'),
  threads,
  ...peers,
}

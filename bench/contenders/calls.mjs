// Who answers calls: pagent, and the least that Node itself makes possible.
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'

const file = (name) => fileURLToPath(new URL(`../workers/${name}.mjs`, import.meta.url))

/** With every feature on: a deadline for each call, cancellation, accounting. */
async function pagent(count, framing) {
  const library = await import(process.env.PAGENT ?? 'pagent')
  const master = new library.Master()
  return Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const worker = await master
        .getWorker(`served-${i}`)
        .start('node', [file('served'), framing], { framing: library[framing]() })
      const api = worker.rpc({ timeout: '30s' })
      await api.call('add', 1, 1)
      return (method, ...args) => api.call(method, ...args)
    }),
  )
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
      const child = fork(file('forked'), { serialization })
      return byIds(
        (message) => child.send(message),
        (heard) => child.on('message', heard),
      )
    })
}

function threads(count) {
  return Array.from({ length: count }, () => {
    const thread = new Worker(file('threaded'))
    return byIds(
      (message) => thread.postMessage(message, []),
      (heard) => thread.on('message', heard),
    )
  })
}

export const callers = {
  pagent: (count) => pagent(count, 'jsonRpc'),
  'pagent structured': (count) => pagent(count, 'structured'),
  'fork json': forked('json'),
  'fork advanced': forked('advanced'),
  threads,
}

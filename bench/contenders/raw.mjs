// What a careful person writes by hand: node:child_process, and a Buffer cut at each newline.
import { spawn } from 'node:child_process'

const NEWLINE = 10
/** With a session of its own, as a supervisor must: some kernels schedule by session, and then it costs. */
const options = { detached: process.env.DETACHED === '1' }

export async function ingest(file, args, onLine) {
  const child = spawn(file, args, options)
  child.stderr.resume()
  child.stdout.on('data', splitter(onLine))
  await new Promise((resolve) => child.on('close', resolve))
}

export async function open(file, args, onLine) {
  const child = start(file, args)
  child.stdout.on('data', splitter(onLine))
  const exited = new Promise((resolve) => child.on('exit', resolve))
  return { send: (line) => child.stdin.write(`${line}\n`), pid: child.pid, exited }
}

export function run(file, args) {
  const child = start(file, args)
  child.stdout.resume()
  return new Promise((resolve) => child.on('close', resolve))
}

export function start(file, args) {
  const child = spawn(file, args, options)
  child.stdin.on('error', () => {})
  child.stderr.resume()
  return child
}

export function splitter(onLine) {
  let rest = null
  return (chunk) => {
    const bytes = rest === null ? chunk : Buffer.concat([rest, chunk])
    let from = 0
    for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, from)) {
      onLine(bytes.toString('utf8', from, at))
      from = at + 1
    }
    rest = from < bytes.length ? bytes.subarray(from) : null
  }
}

// node:child_process with node:readline, the documented way to get lines.
import { createInterface } from 'node:readline'
import { start } from './raw.mjs'

export async function ingest(file, args, onLine) {
  const reader = createInterface({ input: start(file, args).stdout, crlfDelay: Infinity })
  reader.on('line', onLine)
  await new Promise((resolve) => reader.on('close', resolve))
}

export async function open(file, args, onLine) {
  const child = start(file, args)
  createInterface({ input: child.stdout, crlfDelay: Infinity }).on('line', onLine)
  return { send: (line) => child.stdin.write(`${line}\n`) }
}

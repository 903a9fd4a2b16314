// Bun.spawn with its own streams; runs on Bun.
/* global Bun */
import { splitter } from './raw.mjs'

const options = { stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' }

export async function open(file, args, onLine) {
  const child = Bun.spawn([file, ...args], options)
  void deliver(child.stdout, splitter(onLine))
  const send = (line) => {
    child.stdin.write(`${line}\n`)
    child.stdin.flush()
  }
  return { send, pid: child.pid, exited: child.exited }
}

export function run(file, args) {
  return Bun.spawn([file, ...args], options).exited
}

async function deliver(stream, push) {
  for await (const { buffer, byteOffset, byteLength } of stream) push(Buffer.from(buffer, byteOffset, byteLength))
}

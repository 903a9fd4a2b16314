// execa, read line by line as its documentation says.
import { execa } from 'execa'

export async function ingest(file, args, onLine) {
  for await (const line of execa(file, args, { buffer: false })) onLine(line)
}

export async function open(file, args, onLine) {
  const child = execa(file, args, { buffer: false, reject: false })
  void deliver(child, onLine)
  return { send: (line) => child.stdin.write(`${line}\n`), pid: child.pid, exited: child }
}

export async function run(file, args) {
  await execa(file, args)
}

async function deliver(child, onLine) {
  for await (const line of child) onLine(line)
}

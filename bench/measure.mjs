// Clocks and counters of one process, and the little arithmetic on them.
import { readFileSync, readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** Starts a stopwatch for wall time and the CPU time of this process, in seconds. */
export function stopwatch() {
  const from = performance.now()
  const used = process.cpuUsage()
  return () => {
    const { user, system } = process.cpuUsage(used)
    return { wall: (performance.now() - from) / 1e3, cpu: (user + system) / 1e6 }
  }
}

/** How long the event loop was busy and could not attend to anybody else, in milliseconds. */
export function loopClock() {
  const from = performance.eventLoopUtilization()
  // Bun has the function, and nothing in it.
  return () => performance.eventLoopUtilization(from).active || Number.NaN
}

/** Memory in KiB and open files of this process, after garbage collection. */
export async function footprint() {
  for (let i = 0; i < 3; i++) {
    await sleep(100)
    collect()
  }
  const kib = memoryOf('self')
  return {
    rss: kib('Rss'),
    pss: kib('Pss'),
    heap: process.memoryUsage().heapUsed / 1024,
    files: readdirSync('/proc/self/fd').length,
  }
}

/** A reader of the memory of a process, in KiB. */
function memoryOf(pid) {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  return (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(rollup)[1])
}

function collect() {
  if (globalThis.gc === undefined) globalThis.Bun.gc(true)
  else globalThis.gc()
}

/** Memory in KiB of this process and of all its descendants, what they share counted once between them. */
export function treePss(pid = process.pid) {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean),
  )
  return children.reduce((sum, child) => sum + treePss(child), memoryOf(pid)('Pss'))
}

/** CPU ticks of the whole machine so far. */
export function machineTicks() {
  const fields = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0].split(/\s+/).slice(1, 9).map(Number)
  return { all: fields.reduce((sum, field) => sum + field, 0), idle: fields[3] + fields[4], stolen: fields[7] }
}

/** Which share of the time in which somebody wanted to run went to other machines on the same host. */
export function stealSince(before) {
  const after = machineTicks()
  return (after.stolen - before.stolen) / (after.all - after.idle - before.all + before.idle || 1)
}

export function quantile(values, q) {
  const sorted = Float64Array.from(values).toSorted()
  return sorted[Math.round(q * (sorted.length - 1))]
}

export function median(values) {
  const sorted = Float64Array.from(values).toSorted()
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
}

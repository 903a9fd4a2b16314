import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

/** Whether the process is there and not a zombie. `kill(pid, 0)` would be answered by zombies too. */
export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const state = stat.slice(stat.lastIndexOf(')') + 2)[0]
    return state !== 'Z' && state !== 'X'
  } catch {
    return false
  }
}

/** Every process whose command line contains the token. */
export function findByToken(token: string): number[] {
  return allPids().filter((pid) => readProc(pid, 'cmdline').includes(token))
}

/** Every living child of this process. */
export function childrenOf(parent: number): number[] {
  return allPids().filter((pid) => {
    const stat = readProc(pid, 'stat')
    return Number(stat.slice(stat.lastIndexOf(')') + 4).split(' ')[0]) === parent && isAlive(pid)
  })
}

function allPids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map(Number)
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1')
  } catch {
    return ''
  }
}

/**
 * Waits until `done`, for `ms` of time in which this process really ran: a machine that stands still for a second
 * does not make a promise broken.
 */
export async function eventually(done: () => boolean, ms: number, what: string | (() => string)): Promise<void> {
  const step = 5
  for (let spent = 0; ; spent += step) {
    if (done()) return
    if (spent >= ms) assert.fail(typeof what === 'string' ? what : what())
    await pause(step)
  }
}

/** A watch that stands still while this process does: milliseconds since the call, as far as the machine let it run. */
export function ownTime(): () => number {
  const step = 5
  let ran = 0
  setInterval(() => (ran += step), step).unref()
  return () => ran
}

const TIMERS = /Timeout|Immediate/

/** What this process holds: open descriptors, running timers, living children. */
export interface Holdings {
  readonly descriptors: number
  readonly timers: number
  readonly children: readonly number[]
}

export function holdings(): Holdings {
  return {
    descriptors: readdirSync('/proc/self/fd').length,
    timers: process.getActiveResourcesInfo().filter((name) => TIMERS.test(name)).length,
    children: childrenOf(process.pid),
  }
}

/** The end of every story: no process, file descriptor or timer is left. */
export async function assertNothingLeft(before: Holdings): Promise<void> {
  await eventually(
    () => {
      const now = holdings()
      const strangers = now.children.filter((pid) => !before.children.includes(pid))
      return strangers.length === 0 && now.descriptors <= before.descriptors && now.timers <= before.timers
    },
    3000,
    () => `something is left: before ${JSON.stringify(before)}, now ${JSON.stringify(holdings())}`,
  )
}

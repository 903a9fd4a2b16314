import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Abilities, Master, Worker } from '../../src/index.ts'
import { defaultLauncher } from '../../src/process/default-launcher.ts'
import { eventually, findByToken } from './processes.ts'
import { stretched } from './scale.ts'
import { story } from './story.ts'

let last = 50_000

/** A word for the command lines of one tree. It is a number too, so that `sleep` takes it: some hours. */
export function freshToken(): string {
  return `${last++}.${String(process.pid).padStart(8, '0')}`
}

/**
 * Waits until no process has the token on its command line, but those who only talk about it, and looks again: a process
 * may hide behind its fork.
 */
export async function assertGone(token: string, ms = stretched(1000), except: readonly number[] = []): Promise<void> {
  const left = (): number[] => findByToken(token).filter((pid) => !except.includes(pid))
  await eventually(
    () => [1, 2, 3].every(() => left().length === 0),
    ms,
    () => `left of ${token}: ${left().length} processes, ${left().slice(0, 5).join()}`,
  )
}

/** What can be enforced here by the launcher a master has when it is given none. */
export async function abilitiesHere(): Promise<Abilities> {
  const launcher = defaultLauncher()
  try {
    return await launcher.abilities()
  } finally {
    await launcher.close()
  }
}

/** A story that is skipped for a reason, or told when that is false. */
export function storyUnless(skip: string | false, title: string, tell: (master: Master) => Promise<void>): void {
  if (skip === false) story(title, tell)
  else void test(title, { skip }, () => {})
}

/** The master lives, and who has done nothing wrong works on. */
export async function assertAnswers(neighbour: Worker): Promise<void> {
  await neighbour.send('still there?')
  assert.equal(await neighbour.receive(), 'still there?')
}

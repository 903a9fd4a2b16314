import { link, readFile, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type ProcessIdentity, identityOf, isStillRunning } from './identity.ts'
import { isServed } from './knock.ts'
import { draftOf, writeWhole } from './whole-file.ts'

/** Who runs a fleet, or has run it. */
export interface Owner extends ProcessIdentity {
  readonly name: string
  /** The file it was read from, and its folder. */
  readonly file: string
  readonly folder: string
  readonly socketPath: string
  /** Milliseconds since 1970. */
  readonly startedAt: number
  /** It has ended in order. */
  readonly isReleased?: boolean
}

/** What came of an attempt to become the owner. */
export type Taking =
  | { readonly taken: true; readonly lock: Lock; readonly before: Owner | undefined }
  | { readonly taken: false; readonly owner: Owner }

const NAME = /^lock\.(\d+)$/

/**
 * Makes one process the owner of a folder. The lock is a numbered file, and the highest number counts: whoever finds its owner
 * dead makes the next one, which only one can do. A number is never made twice and never taken away before the next one is
 * there, so that nobody can take a living lock for the dead one he has seen. There is nothing to clean up by hand.
 */
export class Lock {
  readonly #folder: string
  readonly #number: number
  readonly #owner: Owner

  private constructor(folder: string, number: number, owner: Owner) {
    this.#folder = folder
    this.#number = number
    this.#owner = owner
  }

  /** `owner` is this process. */
  static async take(folder: string, facts: Omit<Owner, keyof ProcessIdentity>): Promise<Taking> {
    const identity = (await identityOf(process.pid)) ?? { pid: process.pid }
    const owner = { ...facts, ...identity }
    for (;;) {
      const highest = Math.max(0, ...(await numbersIn(folder)))
      const before = await ownerIn(folder, highest)
      if (before !== undefined && (await isAlive(before))) return { taken: false, owner: before }
      const lock = new Lock(folder, highest + 1, owner)
      if (await lock.#make()) return { taken: true, lock, before }
    }
  }

  /** Whoever owns the folder and is alive. */
  static async ownerOf(folder: string): Promise<Owner | undefined> {
    const owner = await ownerIn(folder, Math.max(0, ...(await numbersIn(folder).catch(() => []))))
    return owner !== undefined && (await isAlive(owner)) ? owner : undefined
  }

  /** Another may take it from now on. */
  async release(): Promise<void> {
    const path = pathOf(this.#folder, this.#number)
    await writeWhole(path, JSON.stringify({ ...this.#owner, isReleased: true }))
  }

  async #make(): Promise<boolean> {
    const path = pathOf(this.#folder, this.#number)
    const draft = await draftOf(path, JSON.stringify(this.#owner))
    try {
      await link(draft, path)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
      throw error
    } finally {
      await rm(draft, { force: true })
    }
    const numbers = await numbersIn(this.#folder)
    // Others were faster, and have taken away the one that stood in our way.
    if (Math.max(...numbers) > this.#number) {
      await rm(path, { force: true })
      return false
    }
    for (const old of numbers) if (old < this.#number) await rm(pathOf(this.#folder, old), { force: true })
    return true
  }
}

/** By what it is, or because it answers: it may be in another container, where it cannot be seen. */
async function isAlive(owner: Owner): Promise<boolean> {
  if (owner.isReleased === true) return false
  const answer = await isServed(owner.socketPath)
  if (answer === 'served') return true
  // Where pids are all there is, one may have come back: a socket that nobody listens to any more tells.
  if (owner.startTicks === undefined && answer === 'left') return false
  return isStillRunning(owner)
}

async function numbersIn(folder: string): Promise<readonly number[]> {
  const names = await readdir(folder)
  return names.flatMap((name) => {
    const number = NAME.exec(name)?.[1]
    return number === undefined ? [] : [Number(number)]
  })
}

/** One that cannot be read was cut off by a loss of power: its owner is gone. */
async function ownerIn(folder: string, number: number): Promise<Owner | undefined> {
  if (number === 0) return undefined
  try {
    return JSON.parse(await readFile(pathOf(folder, number), 'utf8')) as Owner
  } catch {
    return undefined
  }
}

function pathOf(folder: string, number: number): string {
  return join(folder, `lock.${number}`)
}

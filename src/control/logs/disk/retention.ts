import { rm, stat } from 'node:fs/promises'
import type { LogPlan } from '../../config/fleet-plan.ts'
import { allFiles, filesOf } from './names.ts'

/** Removes what there are too many of, the oldest first. */
export async function removeOld(folder: string, base: string, { maxFiles }: LogPlan): Promise<void> {
  const files = await filesOf(folder, base)
  for (const path of files.slice(0, Math.max(0, files.length - maxFiles))) await rm(path, { force: true })
}

/** Removes every log file of a folder that nobody has written to for longer than the plan has it, whoever's it was. */
export async function removeAged(folder: string, { maxAge }: LogPlan, now: number): Promise<void> {
  if (maxAge === undefined) return
  for (const path of await allFiles(folder)) {
    const there = await stat(path).catch(() => undefined)
    if (there !== undefined && there.mtimeMs < now - maxAge) await rm(path, { force: true })
  }
}

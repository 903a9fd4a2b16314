import { randomUUID } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Writes a file that is there as a whole or not at all, also when the machine loses its power meanwhile. Only this user can read
 * it.
 */
export async function writeWhole(path: string, text: string): Promise<void> {
  const draft = await draftOf(path, text)
  try {
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
  await settle(dirname(path))
}

/** A file beside `path` that holds the text, safe on the disk. */
export async function draftOf(path: string, text: string): Promise<string> {
  const draft = `${path}.${randomUUID()}.tmp`
  try {
    const file = await open(draft, 'wx', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
  return draft
}

/** The names in a folder are safe on the disk, too. Not every file system can do that. */
async function settle(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined)
  await handle?.sync().catch(() => {})
  await handle?.close()
}

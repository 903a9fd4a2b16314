import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Where the lines of all workers together are. */
export const COMBINED = 'all'
const SUFFIX = '.ndjson'
const ROTATED = /^\.\d{8}T\d{9}Z-\d{3}\.ndjson$/
/** What a file system allows for a name, less what rotation adds. */
const LONGEST = 200

/** The name of the file of a worker, without its suffix. */
export function baseOf(worker: string): string {
  const safe = encodeURIComponent(worker).replace(/^\./, '%2E')
  if (safe.length <= LONGEST) return join('workers', safe)
  const hash = createHash('sha256').update(worker).digest('hex').slice(0, 16)
  return join('workers', `${safe.slice(0, LONGEST - hash.length - 1)}~${hash}`)
}

/** The name of the file that is written to, or of one that was before that. */
export function fileOf(base: string, time: Date | null, index = 1): string {
  if (time === null) return `${base}${SUFFIX}`
  const stamp = time.toISOString().replaceAll(/[-:.]/g, '')
  return `${base}.${stamp}-${String(index).padStart(3, '0')}${SUFFIX}`
}

/** The files of a base in `folder`, oldest first; the last is the one that is written to. */
export async function filesOf(folder: string, base: string): Promise<readonly string[]> {
  const names = await namesIn(join(folder, base, '..'))
  const name = base.slice(base.lastIndexOf('/') + 1)
  const rotated = names.filter((each) => each.startsWith(name) && ROTATED.test(each.slice(name.length))).toSorted()
  const current = names.includes(`${name}${SUFFIX}`) ? [`${name}${SUFFIX}`] : []
  return [...rotated, ...current].map((each) => join(folder, base, '..', each))
}

/** Every log file in a folder and its workers, whoever's. */
export async function allFiles(folder: string): Promise<readonly string[]> {
  const own = (await namesIn(folder)).map((name) => join(folder, name))
  const workers = (await namesIn(join(folder, 'workers'))).map((name) => join(folder, 'workers', name))
  return [...own, ...workers].filter((path) => path.endsWith(SUFFIX))
}

async function namesIn(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
}

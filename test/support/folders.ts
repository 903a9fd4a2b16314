import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'

const folders: string[] = []

// Whoever still writes there when a test is over is ended by that test first.
after(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true })
})

/** An empty folder that is gone after the tests. */
export async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pagent-test-'))
  folders.push(folder)
  return folder
}

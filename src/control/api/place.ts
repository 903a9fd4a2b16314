import { chmod, lstat, mkdir, mkdtemp, rename, rm, stat, unlink } from 'node:fs/promises'
import type { Server } from 'node:http'
import { dirname, join } from 'node:path'
import { ControlError } from '../../base/errors.ts'
import { LONGEST_SOCKET_PATH, isServed } from '../state/knock.ts'

/** A socket in the file system that somebody listens on. */
export interface Place {
  /** Takes it away, unless somebody else's is there by now. */
  leave(): Promise<void>
}

/**
 * Listens at a path, for nobody but this user: at no moment is the socket there with another mode than 0600. What a dead process
 * has left there is replaced.
 *
 * @throws ControlError when somebody listens there, or it cannot be made.
 */
export async function listenAt(server: Server, path: string): Promise<Place> {
  if (Buffer.byteLength(path) > LONGEST_SOCKET_PATH)
    throw cannot(
      path,
      `the path is longer than the ${LONGEST_SOCKET_PATH} bytes the system allows; choose a shorter folder`,
    )
  try {
    await prepare(path)
    return await take(server, path)
  } catch (error) {
    server.close()
    throw error instanceof ControlError ? error : cannot(path, (error as Error).message, error)
  }
}

async function prepare(path: string): Promise<void> {
  const folder = dirname(path)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const { mode } = await stat(folder)
  const [isSticky, isOpen] = [(mode & 0o1000) !== 0, (mode & 0o022) !== 0]
  if (isOpen && !isSticky) throw cannot(path, `others can write to its folder; chmod go-w ${folder}`)
  const there = await lstat(path).catch(() => undefined)
  if (there === undefined) return
  if (!there.isSocket()) throw cannot(path, 'something else is there; remove it, or choose another path')
  const answer = await isServed(path)
  if (answer === 'served' || answer === 'unknown')
    throw cannot(path, 'a fleet is served there already; stop it by `pagent down`')
}

/** It begins its life in a folder nobody else can enter, and is moved once its mode is right. */
async function take(server: Server, path: string): Promise<Place> {
  const nursery = await mkdtemp(join(dirname(path), '.'))
  try {
    const born = join(nursery, 's')
    await listen(server, born)
    await chmod(born, 0o600)
    await rename(born, path)
  } finally {
    await rm(nursery, { recursive: true, force: true })
  }
  const { ino } = await stat(path)
  return { leave: () => leave(path, ino) }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

async function leave(path: string, ino: number): Promise<void> {
  const there = await stat(path).catch(() => undefined)
  if (there?.ino === ino) await unlink(path).catch(() => {})
}

function cannot(path: string, why: string, cause?: unknown): ControlError {
  return new ControlError('ERR_PAGENT_CONTROL', `Cannot serve the fleet at ${path}: ${why}`, { cause })
}

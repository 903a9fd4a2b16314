import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type ControlServer, serveFleet } from '../../src/control/api/serve.ts'
import { connectTo } from '../../src/control/client/client.ts'
import { FakeFleet } from './fake-fleet.ts'

async function inFolder(tell: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'pagent-place-'))
  try {
    await tell(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function serve(socketPath: string): Promise<ControlServer & { readonly fleet: FakeFleet }> {
  const fleet = new FakeFleet()
  return { ...(await serveFleet(fleet, { socketPath })), fleet }
}

const modeOf = async (path: string): Promise<string> => ((await stat(path)).mode & 0o7777).toString(8)

test('nobody else can connect: the socket is 0600 and its folder 0700, whatever the umask', async () => {
  await inFolder(async (folder) => {
    const umask = process.umask(0)
    try {
      const path = join(folder, 'state', 'fleet', 'control.sock')
      const server = await serve(path)
      assert.equal(await modeOf(path), '600')
      assert.equal(await modeOf(join(folder, 'state', 'fleet')), '700')
      assert.deepEqual(await readdir(join(folder, 'state', 'fleet')), ['control.sock'])
      await server.close()
      assert.deepEqual(await readdir(join(folder, 'state', 'fleet')), [])
    } finally {
      process.umask(umask)
    }
  })
})

test('a folder that others can write to is refused, but for one like /tmp', async () => {
  await inFolder(async (folder) => {
    const path = join(folder, 'control.sock')
    await chmod(folder, 0o777)
    await assert.rejects(serve(path), {
      code: 'ERR_PAGENT_CONTROL',
      message: /others can write to its folder; chmod go-w/,
    })
    await chmod(folder, 0o1777)
    await (await serve(path)).close()
  })
})

test('a fleet that is served is left alone, and two beside each other are two', async () => {
  await inFolder(async (folder) => {
    const [first, second] = [join(folder, 'a.sock'), join(folder, 'b.sock')]
    const servers = [await serve(first), await serve(second)]
    await assert.rejects(serve(first), { code: 'ERR_PAGENT_CONTROL', message: /served there already.*pagent down/ })
    const clients = [connectTo(first), connectTo(second)]
    for (const client of clients) assert.equal((await client.fleet()).name, 'fake')
    for (const client of clients) client.close()
    for (const server of servers) await server.close()
  })
})

test('what a dead fleet has left is replaced; what is no socket is not', async () => {
  await inFolder(async (folder) => {
    const path = join(folder, 'control.sock')
    await leaveDead(path)
    const server = await serve(path)
    const client = connectTo(path)
    assert.equal((await client.fleet()).name, 'fake')
    client.close()
    await server.close()
    await writeFile(path, 'precious')
    await assert.rejects(serve(path), { code: 'ERR_PAGENT_CONTROL', message: /something else is there/ })
    assert.equal(await readFile(path, 'utf8'), 'precious')
    assert.deepEqual(await readdir(folder), ['control.sock'], 'nothing is left of the attempt')
  })
})

test('a socket that another has put in the place is not taken away', async () => {
  await inFolder(async (folder) => {
    const path = join(folder, 'control.sock')
    const first = await serve(path)
    await rm(path)
    const second = await serve(path)
    await first.close()
    const client = connectTo(path)
    assert.equal((await client.fleet()).name, 'fake')
    client.close()
    await second.close()
  })
})

test('what cannot be a place says why', async () => {
  await inFolder(async (folder) => {
    const long = join(folder, 'x'.repeat(100), 'control.sock')
    await assert.rejects(serve(long), { code: 'ERR_PAGENT_CONTROL', message: /longer than the 10[37] bytes/ })
    await writeFile(join(folder, 'file'), '')
    await assert.rejects(serve(join(folder, 'file', 'control.sock')), {
      code: 'ERR_PAGENT_CONTROL',
      message: /Cannot serve/,
    })
    await mkdir(join(folder, 'control.sock'))
    await assert.rejects(serve(join(folder, 'control.sock')), { code: 'ERR_PAGENT_CONTROL' })
  })
})

test('a failed attempt leaves nothing that listens to the fleet', async () => {
  await inFolder(async (folder) => {
    await writeFile(join(folder, 'control.sock'), '')
    const fleet = new FakeFleet()
    await assert.rejects(serveFleet(fleet, { socketPath: join(folder, 'control.sock') }))
    assert.deepEqual(fleet.listeners, [0, 0])
  })
})

/** A socket in the file system with nobody behind it, as a `kill -9` leaves it. */
async function leaveDead(path: string): Promise<void> {
  const server = createServer()
  const born = `${path}.born`
  await new Promise<void>((resolve) => void server.listen(born, resolve))
  const { rename } = await import('node:fs/promises')
  await rename(born, path)
  await new Promise((resolve) => void server.close(resolve))
  assert.ok((await stat(path)).isSocket())
}

import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { hasForkServer } from '../../src/process/fork-server/binary.ts'
import { cpuTimeOfChildren, least } from '../support/cpu-time.ts'
import { Cli, environment } from './cli.ts'
import { Workplace, atWork } from './workplace.ts'

const CONFIG = `
name: game
workers:
  web: { command: [sh, -c, 'echo "socket $\${NOTIFY_SOCKET:-none}"; echo listening; exec cat', $TOKEN], ready: { line: listening } }
`

/** Says that it listens, then prints each datagram. */
const LISTENER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('listening')
while True: print(s.recv(4096).decode())
`

/** systemd, as far as a service sees it. */
class FakeManager {
  readonly lines: string[] = []
  readonly #process: ChildProcess
  #wake = (): void => {}

  constructor(socket: string) {
    this.#process = spawn('python3', ['-u', '-c', LISTENER, socket], { stdio: ['ignore', 'pipe', 'inherit'] })
    createInterface({ input: this.#process.stdout! }).on('line', (line) => {
      this.lines.push(line)
      this.#wake()
    })
  }

  async until(line: RegExp): Promise<void> {
    while (!this.lines.some((one) => line.test(one))) await new Promise<void>((resolve) => (this.#wake = resolve))
  }

  close(): void {
    this.#process.kill()
  }
}

describe('pagent up as a service', { skip: !hasForkServer() && 'needs the fork server: npm run build' }, () => {
  atWork('tells systemd that it is ready, what it does, that it lives, and that it stops', CONFIG, async (place) => {
    const socket = join(place.folder, 'notify')
    const manager = new FakeManager(socket)
    await manager.until(/^listening$/)
    const up = new Cli(['up'], { ...place.env, NOTIFY_SOCKET: socket, WATCHDOG_USEC: '400000' }, place.folder)
    await manager.until(/^READY=1$/)
    await manager.until(/^STATUS=1 running$/)
    const beats = (): number => manager.lines.filter((line) => line === 'WATCHDOG=1').length
    while (beats() < 4)
      await manager.until(/^WATCHDOG=1$/).then(() => new Promise((resolve) => void setImmediate(resolve)))
    await up.until('stdout', /web \| socket none/)
    up.process.kill('SIGTERM')
    assert.equal((await up.ended).code, 143)
    await manager.until(/^STOPPING=1$/)
    assert.equal(manager.lines.filter((line) => line === 'READY=1').length, 1)
    manager.close()
  })

  atWork('is silent when it stands still, so that the watchdog bites', CONFIG, async (place) => {
    const socket = join(place.folder, 'notify')
    const manager = new FakeManager(socket)
    await manager.until(/^listening$/)
    const up = new Cli(['up'], { ...place.env, NOTIFY_SOCKET: socket, WATCHDOG_USEC: '200000' }, place.folder)
    await manager.until(/^READY=1$/)
    up.process.kill('SIGSTOP')
    const before = manager.lines.length
    await new Promise((resolve) => setTimeout(resolve, 1000))
    // One may have been on its way.
    assert.ok(manager.lines.length <= before + 2, manager.lines.join('\n'))
    up.process.kill('SIGKILL')
    await up.ended
    manager.close()
  })

  atWork('has a unit, which is printed or written', CONFIG, async (place) => {
    const unit = await place.text('startup')
    assert.match(unit, /^ExecStart=\S+ \S+main\.ts up --file \S+pagent\.yaml$/m)
    assert.match(unit, /^Type=notify$/m)
    place.env['XDG_CONFIG_HOME'] = join(place.folder, 'config')
    const { code, stderr } = await place.run('startup', '--user', '--write')
    assert.equal(code, 0)
    const path = join(place.folder, 'config/systemd/user/pagent-game.service')
    assert.match(readFileSync(path, 'utf8'), /^WantedBy=default\.target$/m)
    assert.match(
      stderr,
      /wrote .*pagent-game\.service; now run:\n {2}systemctl --user daemon-reload\n {2}systemctl --user enable --now pagent-game/,
    )
  })
})

describe('a fleet of a thousand', () => {
  const built = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

  it(
    'is listed within 300 ms of CPU time beyond the start of Node',
    { skip: !existsSync(built) && 'needs npm run build' },
    async () => {
      const place = new Workplace(`name: big\nworkers:\n  w: { command: [cat], replicas: 1000 }\n`)
      const used = (...args: readonly string[]): number => {
        const spent = cpuTimeOfChildren()
        const { status } = spawnSync(process.execPath, args, {
          cwd: place.folder,
          env: { ...environment(), ...place.env },
        })
        assert.equal(status, 0)
        return spent()
      }
      try {
        const { code, stderr } = await place.run('up', '--wait')
        assert.equal(code, 0, stderr)
        assert.equal((await place.text('ps')).trim().split('\n').length, 1001)
        const beyond = least(5, () => used(built, 'ps')) - least(5, () => used('-e', '0'))
        assert.ok(beyond < 300, `${beyond} ms`)
      } finally {
        await place.close()
      }
    },
  )
})

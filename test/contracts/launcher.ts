import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, rmdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { LaunchCommand, Launcher, RunningProcess } from '../../src/index.ts'
import { assertNothingLeft, eventually, holdings, isAlive } from '../support/processes.ts'
import { stretched } from '../support/scale.ts'

/** What every launcher must do; one line makes a new one keep it. */
export function testLauncher(name: string, make: () => Launcher): void {
  const launched = (title: string, tell: (launcher: Launcher) => Promise<void>): void => {
    void test(title, async () => {
      const before = holdings()
      const launcher = make()
      try {
        await tell(launcher)
      } finally {
        await launcher.close()
      }
      await assertNothingLeft(before)
    })
  }

  void describe(`the launcher ${name}`, () => {
    launched('hands over what the program writes, to the last byte', async (launcher) => {
      const child = await launcher.launch(command('sh', ['-c', 'printf out; printf err >&2']))
      const [out, err] = await Promise.all([readAll(child.stdout), readAll(child.stderr)])
      assert.deepEqual([out.toString(), err.toString()], ['out', 'err'])
      assert.partialDeepStrictEqual(await child.exited, { exitCode: 0, signalCode: undefined })
      child.release()
    })

    launched('hands every byte through, both ways', async (launcher) => {
      const bytes = Buffer.from(Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7) % 256))
      const child = await launcher.launch(command('cat'))
      const back = readAll(child.stdout)
      child.stdin.write(bytes, () => {})
      child.stdin.end(() => {})
      assert.ok((await back).equals(bytes))
      child.release()
    })

    launched(
      'knows how many bytes it has written, of text too, when the pipe was full and when it was not',
      async (launcher) => {
        const child = await launcher.launch(command('sh', ['-c', 'exec cat > /dev/null']))
        const write = (text: string): Promise<unknown> => new Promise((resolve) => child.stdin.write(text, resolve))
        await write('grüße')
        assert.equal(child.stdin.bytesWritten, 7)
        await write('日本'.repeat(100_000))
        await write('grüße')
        assert.equal(child.stdin.bytesWritten, 600_014)
        child.stdin.end(() => {})
        await Promise.all([readAll(child.stdout), readAll(child.stderr), child.exited])
        assert.equal(child.stdin.bytesWritten, 600_014)
        child.release()
      },
    )

    launched('gives arguments, environment and directory exactly', async (launcher) => {
      const odd = ['', ' ', '$HOME', '"quoted"', "it's", 'ü€😀', '-n', 'a\nb', '*']
      const script = 'pwd; printf "%s\\0" "$@"; printf "%s" "$ODD"'
      const child = await launcher.launch({
        ...command('sh', ['-c', script, 'sh', ...odd]),
        cwd: '/usr',
        env: { PATH: '/usr/bin:/bin', ODD: 'x=y\n ü' },
      })
      const text = (await readAll(child.stdout)).toString()
      assert.equal(text, `/usr\n${odd.map((arg) => `${arg}\0`).join('')}x=y\n ü`)
      child.release()
    })

    launched('gives every byte that text can hold, in arguments, names and values', async (launcher) => {
      const script = 'cat /proc/$$/cmdline /proc/$$/environ'
      const odd = { ...command('sh', ['-c', script, EVERY_BYTE]), env: { PATH: '/bin', '\u00fc.-n': EVERY_BYTE } }
      const child = await launcher.launch(odd)
      const text = (await readAll(child.stdout)).toString()
      assert.ok(text.startsWith(`sh\0-c\0${script}\0${EVERY_BYTE}\0`))
      assert.ok(text.split('\0').includes(`\u00fc.-n=${EVERY_BYTE}`))
      child.release()
    })

    launched('gives a thousand arguments', async (launcher) => {
      const args = Array.from({ length: 1000 }, (_, i) => `argument ${i}`)
      const child = await launcher.launch(command('sh', ['-c', 'printf "%s\\n" "$@"', 'sh', ...args]))
      assert.equal((await readAll(child.stdout)).toString(), `${args.join('\n')}\n`)
      child.release()
    })

    launched('runs a script without a first line for its interpreter by sh', async (launcher) => {
      await inFolder(async (folder) => {
        const path = join(folder, 'script')
        writeFileSync(path, 'echo "ran $1"\n', { mode: 0o755 })
        const child = await launcher.launch({ ...command('script', ['by sh']), path })
        assert.equal((await readAll(child.stdout)).toString(), 'ran by sh\n')
        assert.equal((await child.exited).exitCode, 0)
        child.release()
      })
    })

    launched('starts the program in a session and a group of its own', async (launcher) => {
      const child = await launcher.launch(command('sh', ['-c', 'cut -d" " -f1,5,6 /proc/$$/stat']))
      const text = (await readAll(child.stdout)).toString().trim()
      assert.equal(text, `${child.pid} ${child.pid} ${child.pid}`)
      child.release()
    })

    launched('opens nothing but the three standard streams in the program', async (launcher) => {
      const other = await launcher.launch(command('cat'))
      const child = await launcher.launch(command('ls', ['/proc/self/fd']))
      // What this process was given itself, without close-on-exec, is not the launcher's; it may still close it.
      const inherited = spawnSync('ls', ['/proc/self/fd'], { encoding: 'utf8' }).stdout
      const open = (await readAll(child.stdout)).toString()
      assert.ok([inherited, '0\n1\n2\n3\n'].includes(open), open)
      for (const started of [other, child]) started.release()
    })

    launched('gives signals their default meaning and blocks none', async (launcher) => {
      const child = await launcher.launch(command('grep', ['-E', '^Sig(Blk|Ign)', '/proc/self/status']))
      const text = (await readAll(child.stdout)).toString()
      assert.match(text, /SigBlk:\t0{16}\nSigIgn:\t0{16}\n/)
      child.release()
    })

    launched('tells a signal from a code', async (launcher) => {
      const child = await launcher.launch(command('sh', ['-c', 'kill -TERM $$']))
      assert.partialDeepStrictEqual(await child.exited, { exitCode: undefined, signalCode: 'SIGTERM' })
      child.release()
    })

    launched('tells every code there is', async (launcher) => {
      const codes = Array.from({ length: 256 }, (_, code) => code)
      const told: (number | undefined)[] = []
      const lane = async (): Promise<void> => {
        for (let code = codes.pop(); code !== undefined; code = codes.pop()) {
          const child = await launcher.launch(command('sh', ['-c', `exit ${code}`]))
          told[code] = (await child.exited).exitCode
          child.release()
        }
      }
      await Promise.all(Array.from({ length: 8 }, lane))
      assert.deepEqual(
        told,
        Array.from({ length: 256 }, (_, code) => code),
      )
    })

    launched('starts twenty at once, and mixes nothing up', async (launcher) => {
      const numbers = Array.from({ length: 20 }, (_, i) => String(i))
      const echo = async (number: string): Promise<string> => {
        const child = await launcher.launch(command('sh', ['-c', 'echo "$1 $$"', 'sh', number]))
        const text = (await readAll(child.stdout)).toString()
        assert.equal(text, `${number} ${child.pid}\n`)
        await child.exited
        child.release()
        return number
      }
      assert.deepEqual(await Promise.all(numbers.map(echo)), numbers)
    })

    launched('kills the whole tree', async (launcher) => {
      const child = await launcher.launch(command('sh', ['-c', 'sh -c "sleep 1000 & sleep 1000" & echo $!; wait']))
      const pid = Number((await readSome(child.stdout)).toString())
      child.kill('SIGKILL')
      assert.partialDeepStrictEqual(await child.exited, { exitCode: undefined, signalCode: 'SIGKILL' })
      await eventually(() => !isAlive(pid), 500, 'a grandchild is left')
      child.release()
    })

    launched('does not signal a tree it has released', async (launcher) => {
      const child = await launcher.launch(command('true'))
      await child.exited
      child.release()
      child.kill('SIGKILL')
    })

    launched('ends what is left when it is closed, and can be used again', async (launcher) => {
      const child = await launcher.launch(command('sleep', ['1000']))
      await launcher.close()
      await eventually(() => !isAlive(child.pid), 500, 'a process outlives its launcher')
      await child.exited
      child.release()
      const again = await launcher.launch(command('true'))
      assert.equal((await again.exited).exitCode, 0)
      again.release()
    })

    launched('leaves nobody waiting when it is closed while it starts something', async (launcher) => {
      const launches = Array.from({ length: 20 }, () => launcher.launch(command('sleep', ['1000'])))
      const settled = Promise.allSettled(launches)
      await launcher.close()
      const results = await settled
      const started = results.filter((result) => result.status === 'fulfilled').map(({ value }) => value)
      for (const { reason } of results.filter((result) => result.status === 'rejected'))
        assert.equal(reason.code, 'ERR_PAGENT_SPAWN', String(reason))
      const alive = (): number[] => started.map(({ pid }) => pid).filter(isAlive)
      try {
        await eventually(
          () => alive().length === 0,
          stretched(1000),
          () => `alive: ${alive().join()}`,
        )
      } finally {
        for (const child of started) child.kill('SIGKILL')
        for (const child of started) await child.exited.then(() => child.release())
      }
    })

    launched('says clearly that the directory has gone since it was looked up', async (launcher) => {
      await inFolder(async (folder) => {
        const cwd = mkdtempSync(join(folder, 'gone-'))
        rmdirSync(cwd)
        await assert.rejects(launcher.launch({ ...command('cat'), cwd }), {
          code: 'ERR_PAGENT_SPAWN',
          errno: 'ENOENT',
          message: new RegExp(`^Cannot start worker "w": .*${cwd}`),
        })
      })
    })

    launched('rejects with SpawnError where there is no process', async (launcher) => {
      await assert.rejects(launcher.launch({ ...command('cat'), path: '/no/such' }), {
        code: 'ERR_PAGENT_SPAWN',
        errno: 'ENOENT',
      })
      const huge = 'x'.repeat(200_000)
      await assert.rejects(
        launcher.launch(
          command(
            'true',
            Array.from({ length: 100 }, () => huge),
          ),
        ),
        { errno: 'E2BIG' },
      )
    })
  })
}

/** Text that has every byte from 1 to 255 that UTF-8 knows: all of one and two bytes, and one for each longer start. */
const EVERY_BYTE = [
  Array.from({ length: 0x7ff }, (_, i) => i + 1),
  [0x800, 0x1000, 0x2000, 0x3000, 0x4000, 0x5000, 0x6000, 0x7000, 0x8000, 0x9000, 0xa000, 0xb000, 0xc000, 0xd000],
  [0xe000, 0xf000, 0x1_0000, 0x4_0000, 0x8_0000, 0xc_0000, 0x10_0000],
]
  .map((points) => String.fromCodePoint(...points))
  .join('')

async function inFolder(tell: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'pagent-test-'))
  try {
    await tell(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function command(file: string, args: readonly string[] = []): LaunchCommand {
  const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin' }
  const path = ['/bin', '/usr/bin'].map((folder) => `${folder}/${file}`)[0] as string
  return { worker: 'w', file, path, args, cwd: '/', env, stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' }
}

function readAll(source: RunningProcess['stdout']): Promise<Buffer> {
  const chunks: Buffer[] = []
  return new Promise((resolve) => {
    source.start(
      (chunk) => {
        chunks.push(Buffer.from(chunk))
        return true
      },
      () => resolve(Buffer.concat(chunks)),
    )
  })
}

function readSome(source: RunningProcess['stdout']): Promise<Buffer> {
  return new Promise((resolve) => {
    source.start(
      (chunk) => {
        resolve(Buffer.from(chunk))
        return true
      },
      () => {},
    )
  })
}

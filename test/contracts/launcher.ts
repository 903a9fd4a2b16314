import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, test } from 'node:test'
import type { LaunchCommand, Launcher, RunningProcess } from '../../src/index.ts'
import { assertNothingLeft, eventually, holdings, isAlive } from '../support/processes.ts'

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
      assert.deepEqual(await child.exited, { exitCode: 0, signalCode: undefined })
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

    launched('starts the program in a session and a group of its own', async (launcher) => {
      const child = await launcher.launch(command('sh', ['-c', 'cut -d" " -f1,5,6 /proc/$$/stat']))
      const text = (await readAll(child.stdout)).toString().trim()
      assert.equal(text, `${child.pid} ${child.pid} ${child.pid}`)
      child.release()
    })

    launched('opens nothing but the three standard streams in the program', async (launcher) => {
      const other = await launcher.launch(command('cat'))
      const child = await launcher.launch(command('ls', ['/proc/self/fd']))
      // What this process was given itself, without close-on-exec, is not the launcher's.
      const inherited = spawnSync('ls', ['/proc/self/fd'], { encoding: 'utf8' }).stdout
      assert.equal((await readAll(child.stdout)).toString(), inherited)
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
      assert.deepEqual(await child.exited, { exitCode: undefined, signalCode: 'SIGTERM' })
      child.release()
    })

    launched('kills the whole tree', async (launcher) => {
      const child = await launcher.launch(command('sh', ['-c', 'sh -c "sleep 1000 & sleep 1000" & echo $!; wait']))
      const pid = Number((await readSome(child.stdout)).toString())
      child.kill('SIGKILL')
      assert.deepEqual(await child.exited, { exitCode: undefined, signalCode: 'SIGKILL' })
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

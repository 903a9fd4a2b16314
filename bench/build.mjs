// Compiles what the contenders run into .cache/bench/, and says what there is.
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const cache = here('../.cache/bench/')

/** The commands of the C programs, with stand-ins where there is no compiler; undefined for what cannot be had. */
export function build() {
  mkdirSync(cache, { recursive: true })
  const compiled = ['echo', 'gen', 'floor', 'answer', 'calls'].map((name) =>
    run('cc', ['-O2', '-o', `${cache}${name}`, here(`native/${name}.c`)]),
  )
  const native = compiled.every(Boolean)
  const go = run('go', ['build', '-o', `${cache}bench-go`, '.'], here('go'))
  const erlang = run('erlc', ['-o', cache, here('erlang/bench.erl')])
  const bun = process.env.BUN ?? 'bun'
  return {
    echo: native ? [`${cache}echo`] : ['/bin/cat'],
    gen: native ? [`${cache}gen`] : [process.execPath, here('gen.mjs')],
    floor: native ? [`${cache}floor`] : undefined,
    calls: native ? `${cache}calls` : undefined,
    answer: `${cache}answer`,
    go: go ? [`${cache}bench-go`] : undefined,
    erlang: erlang
      ? ['erl', '-env', 'ERL_CRASH_DUMP_BYTES', '0', '-noshell', '-pa', cache, '-run', 'bench', 'main']
      : undefined,
    bun: run(bun, ['--version']) ? [bun] : undefined,
    strace: run('strace', ['-o', '/dev/null', '-e', 'trace=write', '/bin/true']),
  }
}

function run(command, args, cwd) {
  const { status, error, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' })
  if (error === undefined && status !== 0) process.stderr.write(`${command} ${args.join(' ')}: ${stderr}`)
  return status === 0
}

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { MAIN, environment } from './cli.ts'
import { Screen } from './screen.ts'
import { Workplace } from './workplace.ts'

const CONFIG = `
name: game
workers:
  web: { command: [sh, -c, 'exec cat', $TOKEN] }
  worker-2: { command: [sh, -c, 'exec cat', $TOKEN] }
groups:
  rooms:
    workers:
      room-1: { command: [sh, -c, 'exec cat', $TOKEN] }
`

/** Fills in what bash does before it calls a completion, and prints what it proposes. */
const ASK_BASH = `
source <(pagent completion bash)
COMP_LINE=$1 COMP_POINT=\${#1}
read -ra COMP_WORDS <<<"\${COMP_LINE//:/ : }"
[[ $COMP_LINE == *' ' ]] && COMP_WORDS+=('')
COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
_pagent
printf '%s\\n' "\${COMPREPLY[@]}"
`

describe('completion', () => {
  const place = new Workplace(CONFIG)
  const screens: Screen[] = []
  const bin = join(place.folder, 'bin')
  const path = `${bin}:${process.env['PATH']}`
  const env = { ...environment(), ...place.env, PATH: path }

  before(async () => {
    mkdirSync(bin)
    place.write(
      'bin/pagent',
      `#!/bin/sh\nexec '${process.execPath}' --disable-warning=ExperimentalWarning '${MAIN}' "$@"\n`,
    )
    chmodSync(join(bin, 'pagent'), 0o755)
    const { code, stderr } = await place.run('up', '--wait')
    assert.equal(code, 0, stderr)
  })
  after(async () => {
    for (const screen of screens) screen.close()
    await place.close()
  })

  /** What a shell says, each word on a line of its own. */
  function ask(shell: string, ...args: readonly string[]): string[] {
    const { stdout } = spawnSync(shell, args, { cwd: place.folder, env, encoding: 'utf8' })
    return stdout.split('\n').filter(Boolean)
  }

  const typed: readonly (readonly [line: string, bash: readonly string[], fish?: readonly string[]])[] = [
    ['pagent sta', ['startup', 'status', 'start']],
    ['pagent status w', ['web', 'worker-2']],
    ['pagent stop web r', ['room-1', 'rooms:*']],
    ['pagent stop a', ['all']],
    // Bash completes what is behind the colon.
    ['pagent stop rooms:', ['*'], ['rooms:*']],
    ['pagent status --fl', ['--fleet']],
    ['pagent status --fleet ', ['game']],
    ['pagent logs --stream ', ['out', 'err', 'pagent']],
    ['pagent ps -o j', ['json', 'jsonl']],
    ['pagent signal H', ['HUP']],
    ['pagent completion z', ['zsh']],
    ['pagent nonsense ', []],
    ['pagent status web --fleet nobody x', []],
  ]

  for (const [line, expected] of typed) {
    it(`of bash: ${line}`, () => assert.deepEqual(ask('bash', '-c', ASK_BASH, 'bash', line), expected))
  }

  for (const [line, bash, own = bash] of typed) {
    it(`of fish: ${line}`, { skip: !existsSync('/usr/bin/fish') && 'needs fish: apt-get install fish' }, () => {
      const words = ask('fish', '-c', `pagent completion fish | source; complete -C '${line}'`).map(
        (one) => one.split('\t')[0] ?? '',
      )
      assert.deepEqual(words.toSorted(), own.toSorted())
    })
  }

  it('knows nothing, and says nothing, when no fleet runs', () => {
    const lonely = spawnSync('pagent', ['complete', '--', 'status', ''], {
      cwd: '/',
      env: { ...env, XDG_STATE_HOME: '/nowhere' },
      encoding: 'utf8',
    })
    assert.deepEqual([lonely.status, lonely.stdout, lonely.stderr], [0, '', ''])
  })

  for (const [shell, start] of [
    ['bash', 'bash --norc --noprofile -i'],
    ['zsh', 'zsh -f -i'],
  ] as const) {
    it(
      `completes what is typed in ${shell}, by the tab key`,
      { skip: !existsSync(`/usr/bin/${shell}`) && `needs ${shell}: apt-get install ${shell}` },
      async () => {
        const screen = new Screen(100, 24, { ...place.env, PATH: path }, place.folder)
        screens.push(screen)
        screen.keys(start, 'Enter')
        if (shell === 'zsh') screen.keys('autoload -U compinit; compinit -u -D', 'Enter')
        screen.keys(`source <(pagent completion ${shell}); echo load''ed`, 'Enter')
        await screen.until(/^loaded/m)
        screen.keys('clear; pagent stat', 'Tab')
        await screen.until(/pagent status$/m)
        screen.keys('worker', 'Tab')
        await screen.until(/pagent status worker-2$/m)
        screen.keys('Enter')
        await screen.until(/● worker-2\n +state: running/)
      },
    )
  }
})

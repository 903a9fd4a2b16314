import { SpawnError } from '../../../base/errors.ts'
import { type Act, claim } from '../act.ts'
import type { Stage } from '../stage.ts'

/** A program, what it is asked, and what it answers. */
interface Guest {
  readonly id: string
  readonly file: string
  readonly args?: readonly string[]
  readonly question: string
  readonly answers: readonly string[]
}

const ADD = 'import sys\nfor line in sys.stdin: print(sum(map(int, line.split())), flush=True)'
const REVERSE =
  "require('node:readline').createInterface(process.stdin).on('line', (line) => console.log([...line].reverse().join('')))"

const GUESTS: readonly Guest[] = [
  { id: 'bash', file: 'bash', question: 'echo $((6 * 7))', answers: ['42'] },
  { id: 'python3', file: 'python3', args: ['-c', ADD], question: '1 2 3 4', answers: ['10'] },
  { id: 'node', file: process.execPath, args: ['-e', REVERSE], question: 'tnegap', answers: ['pagent'] },
  { id: 'cat', file: 'cat', question: 'zażółć gęślą jaźń', answers: ['zażółć gęślą jaźń'] },
]

/** The blob `hello` of git, whose name every repository agrees on. */
const BLOB = 'ce013625030ba8dba906f756967f9e9ca394464a'
const GIT: Guest = {
  id: 'git',
  file: 'sh',
  args: ['-c', 'git init -q . && echo hello | git hash-object -w --stdin >&2 && exec git cat-file --batch'],
  question: BLOB,
  answers: [`${BLOB} blob 6`, 'hello', ''],
}

export const anyProgram: Act = {
  title: 'Any program is a worker',
  promise: 'What reads stdin and writes stdout can be talked to, with no code of ours in it.',
  async run(stage) {
    const answered = await Promise.all([...GUESTS, GIT].map((guest) => invite(stage, guest)))
    const present = answered.filter((id) => id !== undefined)
    claim(present.length >= 2, 'node and cat answer')
    return [`${present.join(', ')} gave the right answers, and stay for the rest of the demo`]
  },
}

/** Its name when it answered, undefined when this machine does not have it. */
async function invite(stage: Stage, guest: Guest): Promise<string | undefined> {
  if (guest === GIT && !(await has(stage, 'git'))) return undefined
  try {
    const worker = await stage.start(guest.id, guest.file, guest.args, { cwd: stage.folder })
    await stage.say(worker, guest.question)
    for (const expected of guest.answers) {
      const answer = await stage.hear(worker)
      claim(answer === expected, `${guest.id} answers ${JSON.stringify(expected)}, not ${JSON.stringify(answer)}`)
    }
    return guest.id
  } catch (error) {
    if (!(error instanceof SpawnError && error.errno === 'ENOENT')) throw error
    stage.note(`${guest.id} is not on this machine: skipped`)
    return undefined
  }
}

async function has(stage: Stage, program: string): Promise<boolean> {
  try {
    const { exited } = await stage.start(`${program} --version`, program, ['--version'])
    return (await exited).kind === 'normal'
  } catch {
    stage.note(`${program} is not on this machine: skipped`)
    return false
  }
}

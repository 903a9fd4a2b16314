import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { completed, readCommand } from '../../../src/cli/top/steering/command-line.ts'
import { intentOf } from '../../../src/cli/top/steering/intents.ts'
import { KeyReader } from '../../../src/cli/top/steering/keys.ts'
import { EMPTY_LINE, edited, lineOf } from '../../../src/cli/top/steering/line-editor.ts'
import { FIRST_STATE, type TopState } from '../../../src/cli/top/steering/view.ts'
import { SOME } from './scenes.ts'

const read = (...chunks: string[]): string[] => {
  const reader = new KeyReader()
  const keys = chunks.flatMap((chunk) => reader.push(chunk))
  return [...keys, ...reader.flush()].map(({ name, text }) => (text === undefined ? name : `${name}:${text}`))
}

describe('what a terminal sends', () => {
  for (const [chunks, expected] of [
    [['j'], ['j']],
    [['jjG'], ['j', 'j', 'G']],
    [['\x1b[A\x1bOB'], ['up', 'down']],
    [['\x1b', '[', 'A'], ['up']],
    [['\x1b[5', '~'], ['page-up']],
    [['\x1b[1~\x1b[4~\x1b[H\x1b[F\x1bOH\x1bOF'], ['home', 'end', 'home', 'end', 'home', 'end']],
    [['\x1b'], ['escape']],
    [['\x1bj'], ['escape', 'j']],
    [['\x1b\x1b'], ['escape', 'escape']],
    [['\r\t\x7f\x03\x0b\x1a '], ['enter', 'tab', 'backspace', 'ctrl-c', 'ctrl-k', 'ctrl-z', ' ']],
    [['é你🚀'], ['é', '你', '🚀']],
    [['\x1b[1;5C\x1b[24~\x1b[?1;2c'], []],
    [['\x00\x1f\x9b'], []],
    [['\x1b[200~rm\nx\x1b[201~q'], ['paste:rm\nx', 'q']],
    [['\x1b[20', '0~hel', 'lo\x1b[2', '01~'], ['paste:hello']],
    [['\x1b[200~never ended'], []],
  ] as const) {
    it(`${JSON.stringify(chunks)} is ${expected.join(' ') || 'nothing'}`, () =>
      assert.deepEqual(read(...chunks), expected))
  }

  it('waits for the rest of what may be a sequence, or the Esc key', () => {
    const reader = new KeyReader()
    assert.deepEqual(reader.push('\x1b'), [])
    assert.ok(reader.isWaiting)
    assert.deepEqual(reader.flush(), [{ name: 'escape' }])
    assert.ok(!reader.isWaiting)
  })

  it('keeps no more of an endless paste than anybody would want', () => {
    const reader = new KeyReader()
    reader.push('\x1b[200~')
    for (let i = 0; i < 100; i++) reader.push('x'.repeat(10_000))
    const [paste] = reader.push('end\x1b[201~')
    assert.ok((paste?.text?.length ?? 0) < 70_000)
    assert.ok(paste?.text?.endsWith('end'))
  })
})

describe('a key means', () => {
  const list = FIRST_STATE
  const logs: TopState = { ...list, views: [...list.views, { kind: 'logs', worker: 'web', isPrevious: false }] }
  const help: TopState = { ...list, views: [...list.views, { kind: 'help' }] }
  const asked: TopState = { ...list, question: { text: '?', action: { action: 'stop', targets: ['web'] } } }
  const writing: TopState = { ...list, prompt: { kind: 'command', line: EMPTY_LINE, about: '' } }

  for (const [where, state, name, expected] of [
    ['in the list', list, 'j', { do: 'move', by: 'down' }],
    ['in the list', list, 'enter', { do: 'open', view: 'logs' }],
    ['in the list', list, 'r', { do: 'act', verb: 'restart' }],
    ['in the list', list, 'ctrl-k', { do: 'act', verb: 'kill' }],
    ['in the list', list, ' ', { do: 'mark' }],
    ['in the list', list, 'C', { do: 'sort', by: 'cpu' }],
    ['in the list', list, 'q', { do: 'leave' }],
    ['in the list', list, 'x', undefined],
    ['in the list', list, 'paste', undefined],
    ['in logs', logs, 'p', { do: 'open', view: 'previous' }],
    ['in logs', logs, 'C', undefined],
    ['in logs', logs, 'w', { do: 'toggle', what: 'isWrapped' }],
    ['in help', help, '?', { do: 'back' }],
    ['in help', help, 'r', undefined],
    ['at a question', asked, 'y', { do: 'answer', yes: true }],
    ['at a question', asked, 'enter', { do: 'answer', yes: false }],
    ['at a question', asked, 'r', { do: 'answer', yes: false }],
    ['at a question', asked, 'paste', { do: 'answer', yes: false }],
    ['at a question', asked, 'ctrl-c', { do: 'quit' }],
    ['while writing', writing, 'q', { do: 'edit', key: { name: 'q' } }],
    ['while writing', writing, 'enter', { do: 'submit' }],
    ['while writing', writing, 'escape', { do: 'cancel' }],
    ['while writing', writing, 'ctrl-k', { do: 'edit', key: { name: 'ctrl-k' } }],
    ['while writing', writing, 'ctrl-z', { do: 'suspend' }],
  ] as const) {
    it(`${where}: ${name}`, () => assert.deepEqual(intentOf({ name }, state), expected))
  }
})

const after = (text: string, ...names: string[]): [string, number] => {
  const line = names.reduce((one, name) => edited(one, { name }), lineOf(text))
  return [line.text, line.cursor]
}

describe('a line that is written', () => {
  for (const [text, names, expected] of [
    ['', ['a', 'b'], ['ab', 2]],
    ['ab', ['left', 'x'], ['axb', 2]],
    ['ab', ['home', 'x', 'end', 'y'], ['xaby', 4]],
    ['ab', ['left', 'left', 'left', 'delete'], ['b', 0]],
    ['你好', ['backspace'], ['你', 1]],
    ['🚀a', ['left', 'backspace'], ['a', 0]],
    ['', ['backspace'], ['', 0]],
    ['stop web now', ['ctrl-w', 'ctrl-w'], ['stop ', 5]],
    ['stop web', ['left', 'ctrl-u'], ['b', 0]],
    ['stop web', ['ctrl-a', 'right', 'ctrl-k'], ['s', 1]],
    ['a', ['up', 'page-down', 'ctrl-b'], ['a', 1]],
  ] as const) {
    it(`${JSON.stringify(text)} ${names.join(' ')}`, () => assert.deepEqual(after(text, ...names), expected))
  }

  it('takes a paste as one line', () => {
    assert.deepEqual(edited(lineOf('a'), { name: 'paste', text: 'b\nc\x1b[2J' }), lineOf('ab c [2J'))
  })
})

describe('a command', () => {
  for (const [text, expected] of [
    ['restart web api', { kind: 'act', action: { action: 'restart', targets: ['web', 'api'] } }],
    ['  stop  ', { kind: 'act', action: { action: 'stop', targets: [] } }],
    ['signal hup web', { kind: 'act', action: { action: 'signal', signal: 'SIGHUP', targets: ['web'] } }],
    ['kill web', { kind: 'act', action: { action: 'signal', signal: 'SIGKILL', targets: ['web'] } }],
    ['send web say  hello', { kind: 'send', worker: 'web', line: 'say  hello' }],
    ['logs web', { kind: 'open', view: 'logs', worker: 'web' }],
    ['status', { kind: 'open', view: 'detail' }],
    ['sort cpu', { kind: 'sort', by: 'cpu' }],
    ['filter !web x', { kind: 'filter', filter: '!web x' }],
    ['q', { kind: 'quit' }],
  ] as const) {
    it(text, () => assert.deepEqual(readCommand(text), expected))
  }

  for (const [text, message] of [
    ['stpo web', /there is no command "stpo". Did you mean stop\?/],
    ['constructor', /there is no command "constructor"/],
    ['zzzzzz', /there is no command "zzzzzz"; \? shows them/],
    ['signal nope web', /There is no such signal/],
    ['sort colour', /sort by one of fleet, name, cpu, memory, restarts/],
    ['send', /send NAME LINE/],
  ] as const) {
    it(`${text} is refused`, () => assert.throws(() => readCommand(text), message))
  }

  for (const [text, expected] of [
    ['res', 'restart '],
    ['sta', 'sta'],
    ['sto', 'stop '],
    ['stop we', 'stop web '],
    ['stop web mcp', 'stop web mcp:* '],
    ['sort c', 'sort cpu '],
    ['stop zzz', 'stop zzz'],
    ['s', 's'],
  ] as const) {
    it(`${text} is completed to ${expected}`, () => assert.equal(completed(text, SOME), expected))
  }
})

/** Variables, command lines, and the lines of a Procfile: small languages, as tables. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { interpolate } from '../../../src/control/config/found/interpolate.ts'
import { shellLine } from '../../../src/control/config/found/from-procfile.ts'
import { wordsOf } from '../../../src/control/config/keys/command-line.ts'

describe('variables are filled in as compose does', () => {
  const env = { A: 'a', EMPTY: '', B: 'b' }
  const cases: Readonly<Record<string, string | RegExp>> = {
    plain: 'plain',
    $A: 'a',
    'x$A/y': 'xa/y',
    '${A}': 'a',
    '${A}${B}': 'ab',
    $$A: '$A',
    $$$A: '$a',
    '${A:-x}': 'a',
    '${EMPTY:-x}': 'x',
    '${EMPTY-x}': '',
    '${NOT:-x}': 'x',
    '${NOT-x}': 'x',
    '${NOT:-}': '',
    '${NOT:-${B}}': 'b',
    '${NOT:-a $B ${NOT:-c}}': 'a b c',
    '${NOT:-http://x:80/?a=1}': 'http://x:80/?a=1',
    '${A:-${NOT}}': 'a',
    '${A:+x}': 'x',
    '${EMPTY:+x}': '',
    '${EMPTY+x}': 'x',
    '${NOT:+x}': '',
    '${NOT+${NOT}}': '',
    '${A:?needed}': 'a',
    '${EMPTY?needed}': '',
    '${EMPTY}': '',
    $NOT: /the variable NOT is not set; set it, or give a default: \$\{NOT:-\}/,
    '${NOT}': /the variable NOT is not set/,
    '${NOT:-$NOT}': /the variable NOT is not set/,
    '${NOT:?set it}': /the variable NOT is not set: set it/,
    '${EMPTY:?}': /the variable EMPTY is not set$/,
    '${': /has no name of a variable/,
    '${}': /has no name of a variable/,
    '${A': /is no variable; expected/,
    '${A!}': /is no variable; expected/,
    $: /a \$ stands alone/,
    $1: /a \$ stands alone/,
    '${constructor:-x}': 'x',
    '${__proto__:-x}': 'x',
    ['${A:+'.repeat(50)]: /nested too deeply/,
  }
  for (const [text, expected] of Object.entries(cases)) {
    test(text.slice(0, 40), () => {
      const result = interpolate(text, env)
      if (typeof expected === 'string') assert.equal('text' in result ? result.text : result.problem, expected)
      else assert.match('problem' in result ? result.problem : result.text, expected)
    })
  }
})

test('no text makes the filling in throw, and doubled dollars are text again', () => {
  const pieces = fc
    .array(fc.constantFrom('$', '{', '}', ':-', '-', '?', '+', 'A', 'B', 'x', ' '))
    .map((list) => list.join(''))
  fc.assert(fc.property(pieces, (text) => void interpolate(text, { A: '1' })))
  fc.assert(
    fc.property(fc.string(), (text) => {
      assert.deepEqual(interpolate(text.replaceAll('$', '$$$$'), {}), { text, filled: false })
    }),
  )
})

describe('a command line is parted as a shell does', () => {
  const cases: Readonly<Record<string, readonly string[] | RegExp>> = {
    'node server.js': ['node', 'server.js'],
    '  a \t b  ': ['a', 'b'],
    "a 'b c' d": ['a', 'b c', 'd'],
    'a "b c"': ['a', 'b c'],
    "a''b": ['ab'],
    "a ''": ['a', ''],
    'a "\\"" "\\\\" "\\n"': ['a', '"', '\\', '\\n'],
    'a\\ b': ['a b'],
    'a \'b"c\' "d\'e"': ['a', 'b"c', "d'e"],
    "sh -c 'a | b > c'": ['sh', '-c', 'a | b > c'],
    "a '$HOME' '*' '~'": ['a', '$HOME', '*', '~'],
    'a --x=1 http://x/?y=1': ['a', '--x=1', 'http://x/?y=1'],
    'a 5$ b~ c#': ['a', '5$', 'b~', 'c#'],
    'a\n': ['a'],
    'grüße 😀': ['grüße', '😀'],
    '': /it is empty/,
    '   ': /it is empty/,
    "''": /it is empty/,
    'a | b': /only a shell understands \|/,
    'a && b': /only a shell understands &/,
    'a; b': /only a shell understands ;/,
    'a > b': /only a shell understands >/,
    'a $HOME': /only a shell understands \$HOME/,
    'a "$HOME"': /only a shell understands \$/,
    'a `b`': /only a shell understands `/,
    'a $(b)': /only a shell understands \$\(b\)/,
    'a *.js': /only a shell understands \*/,
    '~/bin/a': /only a shell understands ~/,
    'a # b': /only a shell understands #/,
    'a\nb': /only a shell understands the end of a line/,
    "a 'b": /never closed/,
    'a "b': /never closed/,
    'a\\': /ends in a backslash/,
  }
  for (const [line, expected] of Object.entries(cases)) {
    test(JSON.stringify(line), () => {
      const result = wordsOf(line)
      if (expected instanceof RegExp) assert.match('problem' in result ? result.problem : 'it was accepted', expected)
      else assert.deepEqual(result, { words: expected })
    })
  }
})

test('what is accepted, a real shell parts in the same way', () => {
  const pieces = fc.array(fc.constantFrom('a', 'b', ' ', "'", '"', '\\', '=', '-', '/', '!', '{', '}', '%', '5'), {
    maxLength: 12,
  })
  const lines = fc
    .sample(
      pieces.map((list) => `x${list.join('')}`),
      300,
    )
    .filter((line) => 'words' in wordsOf(line))
  const script = lines.map((line) => `set -- ${line}; printf '%s\\0' "$#" "$@"`).join('\n')
  const { stdout } = spawnSync('sh', ['-c', script], { encoding: 'utf8' })
  const told = lines.flatMap((line) => {
    const result = wordsOf(line)
    return 'words' in result ? [String(result.words.length)].concat(result.words) : []
  })
  assert.deepEqual(stdout.split('\0').slice(0, -1), told)
})

test('the shell of a Procfile steps aside for simple commands only', () => {
  const cases: Readonly<Record<string, string>> = {
    'node server.js -p $PORT': 'exec node server.js -p $PORT',
    './a > log 2>&1': 'exec ./a > log 2>&1',
    './a *.js': 'exec ./a *.js',
    'a && b': 'a && b',
    'a; b': 'a; b',
    'a | b': 'a | b',
    '(a)': '(a)',
    'A=1 a': 'A=1 a',
    'cd x && a': 'cd x && a',
    'exec a': 'exec a',
    "sh -c 'a; b'": "exec sh -c 'a; b'",
    'echo $(date)': 'echo $(date)',
    'if true; then a; fi': 'if true; then a; fi',
    'bundle exec rails s': 'exec bundle exec rails s',
  }
  for (const [command, expected] of Object.entries(cases)) assert.equal(shellLine(command), expected)
})

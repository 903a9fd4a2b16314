import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { TRANSITIONS, type WorkerInput, type WorkerState, nextState } from '../../src/worker/state.ts'

const INPUTS: readonly WorkerInput[] = ['start', 'ready', 'stop', 'exit', 'wait', 'give-up']

/** The whole life of a worker: the row is where it is, the column what happens, a dot what cannot happen there. */
const LIFE = `
            start     ready    stop      exit    wait     give-up
  idle      starting  .        .         .       .        .
  starting  .         running  stopping  exited  .        .
  running   .         .        stopping  exited  .        .
  stopping  .         .        stopping  exited  .        .
  exited    starting  .        .         .       backoff  failed
  backoff   starting  .        exited    .       .        .
  failed    starting  .        .         .       .        .
`

function readTable(text: string): Map<string, string[]> {
  const rows = text.trim().split('\n').slice(1)
  return new Map(
    rows.map((row) => {
      const [state = '', ...cells] = row.trim().split(/\s+/)
      return [state, cells]
    }),
  )
}

describe('the life of a worker', () => {
  const table = readTable(LIFE)

  it('has these states and no others', () => {
    assert.deepEqual([...table.keys()], Object.keys(TRANSITIONS))
  })

  for (const [state, cells] of table) {
    for (const [i, input] of INPUTS.entries()) {
      const expected = cells[i] ?? '?'
      it(`${state} + ${input} → ${expected === '.' ? 'a bug of ours' : expected}`, () => {
        if (expected !== '.') return assert.equal(nextState(state as WorkerState, input), expected)
        assert.throws(() => nextState(state as WorkerState, input), {
          message: `Bug in pagent: a worker that is ${state} cannot take "${input}"`,
        })
      })
    }
  }

  it('can be started again from wherever it rests, and leads to rest from wherever it runs', () => {
    for (const state of ['idle', 'exited', 'backoff', 'failed'] as const)
      assert.equal(nextState(state, 'start'), 'starting')
    for (const state of ['starting', 'running', 'stopping'] as const) assert.equal(nextState(state, 'exit'), 'exited')
  })
})

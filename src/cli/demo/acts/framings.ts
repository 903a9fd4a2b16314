import { isDeepStrictEqual } from 'node:util'
import { contentLength } from '../../../framing/content-length.ts'
import type { Framing } from '../../../framing/framing.ts'
import { json } from '../../../framing/json.ts'
import { lengthPrefixed } from '../../../framing/length-prefixed.ts'
import { lines } from '../../../framing/lines.ts'
import { raw } from '../../../framing/raw.ts'
import type { Worker } from '../../../worker/worker.ts'
import { type Act, claim } from '../act.ts'
import type { Stage } from '../stage.ts'

const BYTES = Uint8Array.from({ length: 256 }, (_, i) => i)
const MANY = 500

export const framings: Act = {
  title: 'Messages stay whole',
  promise: 'Lines, JSON, length-prefixed, Content-Length (LSP) or raw bytes: in order, nothing torn, nothing lost.',
  async run(stage) {
    await Promise.all([
      echo(stage, 'lines', lines(), 'żółw, 乌龟, tortuga'),
      echo(stage, 'json', json(), { text: 'two\nlines', list: [1, 2.5, null] }),
      echo(stage, 'lengthPrefixed', lengthPrefixed(), BYTES),
      echo(stage, 'contentLength', contentLength(), { jsonrpc: '2.0', id: 1, method: 'initialize' }),
      bytes(stage),
    ])
    return [
      `four framings brought ${MANY} messages each back, in order, every one as it was sent`,
      'raw brought 1 MiB back, byte for byte',
    ]
  },
}

async function echo<M>(stage: Stage, name: string, framing: Framing<M>, message: M): Promise<void> {
  const worker = await stage.node(name, 'echo', [name], { framing })
  const answer = await stage.ask(worker, message)
  claim(isDeepStrictEqual(answer, message), `${name} brings its message back as it was`)
  const sent = Array.from({ length: MANY }, () => worker.send(message))
  for (let i = 0; i < MANY; i++) {
    claim(isDeepStrictEqual(await worker.receive(), message), `${name} brings message ${i + 1} back as it was`)
  }
  await Promise.all(sent)
  stage.tally.messages += 2 * MANY
}

async function bytes(stage: Stage): Promise<void> {
  const worker = await stage.node('raw', 'echo', ['raw'], { framing: raw() })
  await stage.say(worker, BYTES)
  await expect(stage, worker, BYTES)
  const block = Buffer.alloc(2 ** 20, BYTES)
  const sent = worker.send(block)
  await expect(stage, worker, block)
  await sent
}

/** Raw bytes come in pieces as the pipe brings them. */
async function expect(stage: Stage, worker: Worker<Uint8Array>, whole: Uint8Array): Promise<void> {
  const pieces: Uint8Array[] = []
  for (let length = 0; length < whole.length;) {
    const piece = await (whole === BYTES ? stage.hear(worker) : worker.receive())
    claim(piece !== undefined, 'raw brings every byte back')
    pieces.push(piece)
    length += piece.length
    stage.tally.messages++
  }
  claim(Buffer.concat(pieces).equals(whole), 'raw brings the bytes back as they were')
}

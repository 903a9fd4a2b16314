import { ClosedError } from '../../../base/errors.ts'
import { type Act, claim } from '../act.ts'
import type { Stage } from '../stage.ts'

const MESSAGES = 40
const LARGE = 'x'.repeat(2 ** 18)

export const deafEars: Act = {
  title: 'The master never dies of a worker',
  promise: 'Writing to one that has gone, or a bug in your own callback, is an error you can hold: no crash, no hang.',
  run: async (stage) => [await writeToTheGone(stage), await throwInCallback(stage)],
}

/** It reads one byte and goes, with 10 MiB on their way to it. */
async function writeToTheGone(stage: Stage): Promise<string> {
  const worker = await stage.start('deserter', 'head', ['-c', '1'])
  const sent = await Promise.allSettled(Array.from({ length: MESSAGES }, () => worker.send(LARGE)))
  const failed = sent.filter((one) => one.status === 'rejected')
  claim(failed.length > 0, 'messages to one that has gone are refused')
  claim(
    failed.every(({ reason }) => reason instanceof ClosedError),
    'each refusal is a ClosedError',
  )
  stage.tally.messages += MESSAGES
  return `one went with 10 MiB on their way: ${failed.length} of ${MESSAGES} messages failed with ${ClosedError.name}`
}

async function throwInCallback(stage: Stage): Promise<string> {
  const worker = await stage.start('victim', 'cat', [], {
    onMessage: () => {
      throw new Error('a bug of yours')
    },
  })
  const { exited } = worker
  await stage.say(worker, 'hello')
  const exit = await exited
  claim(exit.kind === 'crashed' && exit.stage === 'onMessage', `its end is crashed in onMessage, not ${exit.kind}`)
  return `a callback threw "${exit.error.message}": its worker was ended, and nothing else happened`
}

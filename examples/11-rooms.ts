// A game with a process per room: business in callbacks, processes out of sight, a crash that hurts one room only.
import { Master, type Worker, json } from 'pagent'

const room = `
let players = []
require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { join, crash, tick } = JSON.parse(line)
  if (crash) throw new Error('the roof fell in')
  if (join) players.push(join)
  console.log(JSON.stringify(tick ? { tick } : { players }))
})
console.log('{"open":true}')`

class Game extends Master {
  readonly #framing = json<any>()

  open(name: string): Promise<Worker<any>> {
    return this.getWorker(name).start(process.execPath, ['-e', room], {
      framing: this.#framing,
      ready: 'first-message',
      onMessage: (message) => console.log(name, JSON.stringify(message)),
      onExit: ({ kind, stderrTail }) => console.log(name, kind, /Error: .*/.exec(stderrTail)?.[0] ?? ''),
    })
  }
}

const game = new Game()
const attic = await game.open('attic') // → attic {"open":true}
const cellar = await game.open('cellar') // → cellar {"open":true}
await attic.send({ crash: true })
await attic.exited // → attic failed Error: the roof fell in
await cellar.send({ join: 'Ada' }) // → cellar {"players":["Ada"]}
await game.broadcast({ tick: 1 }) // → cellar {"tick":1}
await game.stop() // → cellar stopped

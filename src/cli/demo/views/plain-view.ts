import type { ActProgress } from '../act.ts'
import { cut, harmless } from '../../show/text.ts'
import { type Ink, type View, headline } from './view.ts'

const MESSAGE_MAX = 80

/** For files, pipes and CI: one line after the other. */
export class PlainView implements View {
  readonly #ink: Ink

  constructor(ink: Ink) {
    this.#ink = ink
    ink.write('pagent demo: ten promises, kept by real programs. It takes 5 to 30 seconds.\n')
  }

  began({ number, act }: ActProgress): void {
    this.#ink.write(`\n${String(number).padStart(4)} ${act.title}: ${act.promise}\n`)
  }

  message(worker: string, direction: '→' | '←', text: string): void {
    this.#ink.write(`       ${direction} ${worker.padEnd(14)} ${cut(harmless(text), MESSAGE_MAX)}\n`)
  }

  note(text: string): void {
    this.#ink.write(`       ${harmless(text)}\n`)
  }

  ended(progress: ActProgress): void {
    for (const fact of progress.facts) this.#ink.write(`       ${harmless(fact)}\n`)
    this.#ink.write(`  ${headline(progress, this.#ink)}\n`)
  }

  close(): void {}
}

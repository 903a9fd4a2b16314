// A Python model that is slow to load is loaded once, and answers many calls. `import pagent` is sdks/python:
// pip install sdks/python, or PYTHONPATH=sdks/python.
import { Master, jsonRpc } from 'pagent'

const program = `
import time, pagent

time.sleep(1)  # the weights
words = {"good": 1, "great": 2, "bad": -1, "awful": -2}

def score(text):
    return sum(words.get(word, 0) for word in text.lower().split())

def learn(texts):
    for done, text in enumerate(texts, 1):
        words.update((word, 1) for word in text.split() if word not in words)
        pagent.current_call().progress(done / len(texts))
    return len(words)

pagent.serve({"score": score, "learn": learn})
`
type Model = { score(text: string): number; learn(texts: string[]): number }

const master = new Master()
const spec = { framing: jsonRpc(), restart: 'transient' } as const
const python = await master.getWorker('model').start('python3', ['-c', program], spec)
const model = python.rpc<Model>({ timeout: '30s' })

const texts = Array.from({ length: 1000 }, (_, i) => (i % 2 === 0 ? 'so bad' : 'great'))
const scores = await Promise.all(texts.map((text) => model.call('score', text)))
console.log(scores.length, scores[0], scores[1]) // → 1000 -1 2
console.log(python.incarnation) // → 1

const learner = model.with({ onProgress: (part: number) => console.log(`${part * 100} %`) })
// → 50 %
// → 100 %
console.log(await learner.call('learn', ['good tea', 'bad luck'])) // → 6
await master.stop()

// What framings cost per message, in this process alone: node bench/framing.mjs [entry]
import { median } from './measure.mjs'

const entry = process.argv[2] ?? new URL('../dist/framing/index.js', import.meta.url).href
const { json, jsonRpc, structured } = await import(new URL(entry, `file://${process.cwd()}/`).href)
const v8 = await import('node:v8')

const ROUNDS = 41
const CHUNK = 65_536

const answer = (result) => ({ jsonrpc: '2.0', id: 7, result })
const row = (i) => ({ id: i, name: `row ${i}`, ok: true })
const list = (length, item) => Array.from({ length }, (_, i) => item(i))
const bytes = (length) => Uint8Array.from({ length }, (_, i) => i * 31)

const payloads = [
  ['add(1, 2), the call', { jsonrpc: '2.0', id: 7, method: 'add', params: [1, 2] }],
  ['add(1, 2), the answer', answer(3)],
  ['an answer of undefined', answer(undefined)],
  ['object, 1 KiB', answer(Object.fromEntries(list(24, (i) => [`member${i}`, [i, 'some text of some length', null]])))],
  ['1,000 rows', answer(list(1000, row))],
  ['1,000 rows, a Date each', answer(list(1000, (i) => ({ ...row(i), at: new Date(i) })))],
  ['Map of 100', answer(new Map(list(100, (i) => [`key${i}`, { n: i }])))],
  ['1,000 integers', answer(list(1000, (i) => i * 7))],
  ['1,000 fractions', answer(list(1000, (i) => Math.sin(i)))],
  ['text, 64 KiB', answer('abcdefgh'.repeat(8192))],
  ['bytes, 1 KiB', answer(bytes(1024))],
  ['bytes, 64 KiB', answer(bytes(65_536))],
]

/** What users of JSON do for bytes and maps: base64, and an array of entries. Dates they get as text. */
function pack(message) {
  const { result } = message
  if (result instanceof Uint8Array) {
    return { ...message, result: { base64: Buffer.from(result.buffer).toString('base64') } }
  }
  return result instanceof Map ? { ...message, result: { entries: [...result] } } : message
}

function unpack(message) {
  const { base64, entries } = message.result ?? {}
  if (base64 !== undefined) message.result = new Uint8Array(Buffer.from(base64, 'base64'))
  else if (Array.isArray(entries)) message.result = new Map(entries)
  return message
}

function jsonWithBytes() {
  const framing = json({ maxLength: '16MiB' })
  return {
    encode: (message) => framing.encode(pack(message)),
    decoder() {
      const decoder = framing.decoder()
      return { push: (chunk, emit) => decoder.push(chunk, (message) => emit(unpack(message))) }
    },
  }
}

/** v8.serialize behind a length. */
function v8Frames() {
  return {
    encode(message) {
      const payload = v8.serialize(message)
      const frame = Buffer.allocUnsafe(4 + payload.length)
      frame.writeUInt32BE(payload.length)
      payload.copy(frame, 4)
      return frame
    },
    decoder() {
      let parts = []
      return {
        push(chunk, emit) {
          parts.push(Buffer.from(chunk))
          const whole = parts.length === 1 ? parts[0] : Buffer.concat(parts)
          if (whole.length < 4 + whole.readUInt32BE()) return
          parts = []
          emit(v8.deserialize(whole.subarray(4)))
        },
      }
    },
  }
}

const contenders = {
  'json()': jsonWithBytes(),
  'jsonRpc()': jsonRpc({ maxLength: '16MiB' }),
  'structured()': structured(),
  'v8.serialize': v8Frames(),
}
/** jsonRpc() has no word for these. */
const isForJson = ([name]) => !/undefined|Date|Map|bytes/.test(name)

const wire = Buffer.alloc(2 ** 21)
const room = { bytes: wire, used: 0 }
let last
const keep = (message) => (last = message)

function prepare(framing, message) {
  const frame = Buffer.from(framing.encode(message))
  const chunks = []
  for (let at = 0; at < frame.length; at += CHUNK) chunks.push(frame.subarray(at, at + CHUNK))
  return { framing, message, size: frame.length, chunks, decoder: framing.decoder(), encode: [], decode: [] }
}

function time(times, work) {
  const from = performance.now()
  for (let i = 0; i < times; i++) work()
  return ((performance.now() - from) / times) * 1e6
}

function measure(runs) {
  const times = Math.max(5, Math.min(2000, Math.floor(200_000 / Math.max(...runs.map(({ size }) => size)))))
  for (let round = 0; round < ROUNDS; round++) {
    for (const run of runs) {
      run.encode.push(time(times, () => write(run.framing, run.message)))
      run.decode.push(time(times, () => run.chunks.forEach((chunk) => run.decoder.push(chunk, keep))))
    }
  }
}

function write(framing, message) {
  room.used = 0
  if (framing.encodeInto?.(message, room)) return
  const frame = framing.encode(message)
  if (typeof frame === 'string') wire.write(frame)
  else wire.set(frame)
}

const both = (run) => run.encode.map((ns, round) => ns + run.decode[round])
const shown = (ns) => (ns < 10_000 ? `${Math.round(ns)} ns` : `${(ns / 1000).toFixed(1)} µs`)

console.log('| message | framing | encode | decode | both | bytes | MB/s | json() ÷ this |')
console.log('| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |')
for (const payload of payloads) {
  const [name, message] = payload
  const names = Object.keys(contenders).filter((key) => key !== 'jsonRpc()' || isForJson(payload))
  const runs = names.map((key) => prepare(contenders[key], message))
  measure(runs)
  for (const [i, run] of runs.entries()) {
    const sum = both(run)
    const gain = median(both(runs[0]).map((ns, round) => ns / sum[round]))
    const [encode, decode, all] = [run.encode, run.decode, sum].map((times) => median(times))
    const speed = ((run.size / all) * 1000).toFixed(0)
    const cells = [name, names[i], shown(encode), shown(decode), shown(all), run.size, speed, gain.toFixed(2)]
    console.log(`| ${cells.join(' | ')} |`)
  }
}
if (last === undefined) throw new Error('nothing was decoded')

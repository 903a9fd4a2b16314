// Sends back every message, in the framing that it is told.
import { contentLength } from '../../../framing/content-length.ts'
import type { Framing } from '../../../framing/framing.ts'
import { json } from '../../../framing/json.ts'
import { lengthPrefixed } from '../../../framing/length-prefixed.ts'
import { lines } from '../../../framing/lines.ts'
import { raw } from '../../../framing/raw.ts'

const FRAMINGS: Readonly<Record<string, () => Framing<any>>> = { lines, json, lengthPrefixed, contentLength, raw }

const framing = (FRAMINGS[process.argv[2] ?? ''] ?? lines)()
const decoder = framing.decoder()
process.stdin.on('data', (chunk: Buffer) => {
  decoder.push(chunk, (message) => process.stdout.write(framing.encode(message)))
})

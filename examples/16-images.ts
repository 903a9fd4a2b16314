// Images are made smaller in as many processes as there are CPUs, with a progress bar. This file is the module of its pool, too.
import { decode, encode } from 'fast-png'
import { Pool } from 'pagent'
import { currentCall } from 'pagent/worker'

/** Every other pixel of every other row, and how far it is. */
export function halve(png: Uint8Array): Uint8Array {
  const { progress } = currentCall()
  const { width, height, channels, data } = decode(png)
  const [w, h] = [width >> 1, height >> 1]
  const half = new Uint8Array(w * h * channels)
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w * channels; x++)
      half[y * w * channels + x] = data[2 * (y * width + Math.floor(x / channels)) * channels + (x % channels)] ?? 0
    if (y % 64 === 63) progress(64 / h)
  }
  return encode({ width: w, height: h, channels, data: half })
}

async function main(): Promise<void> {
  const pool = new Pool<{ halve: typeof halve }>({ module: import.meta.url, call: { timeout: '1m' } })
  const images = Array.from({ length: 8 }, (_, i) => picture(512, i))
  let done = 0
  const halver = pool.with({ onProgress: (part: number) => bar((done += part / images.length)) })
  const halves = await Promise.all(images.map((png) => halver.call('halve', png)))
  process.stderr.write('\n')
  console.log(done, new Set(halves.map((png) => decode(png).width))) // → 1 Set(1) { 256 }
  await pool.stop()
}

function picture(size: number, seed: number): Uint8Array {
  const data = Uint8Array.from({ length: size * size * 3 }, (_, i) => (i * seed) % 251)
  return encode({ width: size, height: size, channels: 3, data })
}

const bar = (part: number): boolean =>
  process.stderr.write(`\r[${'#'.repeat(part * 40).padEnd(40)}] ${Math.floor(part * 100)} %`)

if (process.argv[1] === import.meta.filename) await main()

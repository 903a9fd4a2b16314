/** False where node was started without `--expose-gc`. */
export const canMeasureMemory: boolean = globalThis.gc !== undefined

/** Bytes in array buffers that are still in use. */
export function arrayBufferBytes(): number {
  // What one collection finds is given back in the background; the next one waits for that.
  for (let i = 0; i < 3; i++) globalThis.gc?.()
  return process.memoryUsage().arrayBuffers
}

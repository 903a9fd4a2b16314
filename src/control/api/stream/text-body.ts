/** Where text comes from, piece by piece: undefined at its end. */
export interface TextSource {
  next(): Promise<string | undefined>
  /** Nobody reads it any more. */
  close(): void
}

/** A body that asks its source for the next piece when the last has been taken: what waits, waits in the source. */
export function textBody(source: TextSource): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  let isOver = false
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const text = await source.next()
        if (isOver) return
        if (text !== undefined) return controller.enqueue(encoder.encode(text))
        source.close()
        controller.close()
      },
      cancel() {
        isOver = true
        source.close()
      },
    },
    { highWaterMark: 0 },
  )
}

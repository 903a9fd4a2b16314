import { toError } from '../../base/errors.ts'

/** Calls somebody's callback, and catches what it throws, at once or later. */
export function guard(callback: () => unknown, failed: (error: Error) => void): void {
  const onError = (error: unknown): void => failed(toError(error))
  try {
    const result = callback()
    if (result instanceof Promise) result.catch(onError)
  } catch (error) {
    onError(error)
  }
}

/** The promise, or `signal.reason` as soon as the signal is aborted. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error)
    if (signal.aborted) return onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

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

export const toError = (value: unknown): Error => (value instanceof Error ? value : new Error(String(value)))

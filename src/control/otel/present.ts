/** A module that needs `@opentelemetry/api`, where that is installed; undefined where it is not. */
export async function ifPresent<T>(load: () => Promise<T>): Promise<T | undefined> {
  try {
    return await load()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') return undefined
    throw error
  }
}

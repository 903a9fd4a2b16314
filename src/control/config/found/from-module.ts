import { type ResolveFnOutput, registerHooks } from 'node:module'
import { extname } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Clock } from '../../../base/clock.ts'
import { toError } from '../../../base/errors.ts'

/** What a module exports by default, called and awaited; or why there is nothing. */
export type ModuleDefault = { readonly value: unknown } | { readonly problem: Error; readonly hint: string }

/** A module that awaits for ever would keep its reader for ever. */
const PATIENCE = 10_000

let reads = 0

/** Imports the module anew each time, so that a change is seen. */
export async function importDefault(path: string, clock: Clock): Promise<ModuleDefault> {
  const hooks = registerHooks({
    resolve: (specifier, context, next) => resolveOwn(specifier, () => next(specifier, context)),
  })
  try {
    return {
      value: await inTime(
        withoutExit(() => evaluate(path)),
        clock,
      ),
    }
  } catch (thrown) {
    const problem = toError(thrown)
    return { problem, hint: hintFor(problem) }
  } finally {
    hooks.deregister()
  }
}

/** A global `pagent` is no dependency of the project, but `import … from 'pagent/config'` can only mean ours. */
function resolveOwn(specifier: string, next: () => ResolveFnOutput): ResolveFnOutput {
  try {
    return next()
  } catch (error) {
    if (specifier !== 'pagent/config') throw error
    return { url: new URL(`../typed/index${extname(import.meta.url)}`, import.meta.url).href, shortCircuit: true }
  }
}

async function evaluate(path: string): Promise<unknown> {
  const module = (await import(`${pathToFileURL(path).href}?read=${++reads}`)) as Record<string, unknown>
  if (!Object.hasOwn(module, 'default')) throw new NoDefaultError(Object.keys(module))
  const exported: unknown = await module['default']
  return typeof exported === 'function' ? await (exported as () => unknown)() : exported
}

/** A module that ends the process would end its reader without a word. */
function withoutExit<T>(work: () => Promise<T>): Promise<T> {
  const exit: typeof process.exit = process.exit.bind(process)
  return new Promise<T>((resolve, reject) => {
    process.exit = (code = process.exitCode ?? 0) => {
      const error = new Error(`it calls process.exit(${code}); throw an error instead`)
      reject(error)
      throw error
    }
    work().then(resolve, reject)
  }).finally(() => (process.exit = exit))
}

class NoDefaultError extends Error {
  constructor(names: readonly string[]) {
    const found = names.length === 0 ? 'it exports nothing' : `it exports ${names.join(', ')}, but no default`
    super(`${found}; write: export default defineConfig({ … })`)
  }
}

function inTime<T>(promise: Promise<T>, clock: Clock): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(PATIENCE, () =>
      reject(new Error(`it was not read within ${PATIENCE / 1000}s: it awaits something that does not come`)),
    )
    promise.then(resolve, reject).finally(() => timer.cancel())
  })
}

/** What to do about what Node says. */
function hintFor({ name, message, code }: Error & { code?: string }): string {
  if (code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX')
    return '; Node strips types but translates nothing: no enum, no namespace, no parameter properties'
  if (code === 'ERR_MODULE_NOT_FOUND' && message.includes("'pagent"))
    return '; install it in this project: npm install pagent'
  if (name === 'SyntaxError' && message.includes('require')) return '; write it as an ES module'
  return ''
}

// Who is measured: for each contender its command, and what is in its environment.
import { fileURLToPath } from 'node:url'

const childFile = fileURLToPath(new URL('child.mjs', import.meta.url))

const node = (contender, workload, options, env = {}) => ({
  command: [process.execPath, '--expose-gc', childFile, contender, workload, JSON.stringify(options)],
  env,
})

/** `builds` are other builds of pagent, to be compared with this one. */
export function rowsOf(tools, builds) {
  const pagent = (workload, options) => ({
    pagent: node('pagent', workload, options),
    ...Object.fromEntries(
      builds.map((path) => [`pagent ${path}`, node('pagent', workload, options, { PAGENT: path })]),
    ),
  })
  return {
    node,
    pagent,

    portable: (workload, options) => ({
      'pagent portable': node('pagent', workload, options, { PAGENT_LAUNCHER: 'portable' }),
    }),

    /** The one of that name that is no JavaScript, where it is installed. */
    native: (name, workload, values) =>
      tools[name] === undefined ? {} : { [name]: { command: [...tools[name], workload, ...pairs(values)], env: {} } },

    bun: (workload, options) =>
      tools.bun === undefined
        ? {}
        : {
            bun: {
              command: [...tools.bun, '--expose-gc', childFile, 'bun', workload, JSON.stringify(options)],
              env: {},
            },
          },
  }
}

/** What takes several words is joined by commas. */
const pairs = (values) => Object.entries(values).map(([key, value]) => `${key}=${value}`)

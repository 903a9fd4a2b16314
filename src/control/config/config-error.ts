import { PagentError } from '../../base/errors.ts'

/** One thing that is wrong with a configuration, and where. */
export interface ConfigProblem {
  /** `workers.web.limits.memory`; empty for the file as a whole. */
  readonly path: string
  /** From 1; where the file has lines. */
  readonly line?: number
  readonly column?: number
  readonly message: string
}

/** A configuration that cannot be used, with everything that is wrong with it. */
export class ConfigError extends PagentError {
  readonly code = 'ERR_PAGENT_CONFIG'
  /** The absolute path of the file; undefined where there is none. */
  readonly file: string | undefined
  readonly problems: readonly ConfigProblem[]

  constructor(file: string | undefined, shown: string, problems: readonly ConfigProblem[], options?: ErrorOptions) {
    super(messageOf(shown, problems), options)
    this.file = file
    this.problems = problems
  }
}

/** So many are told; whoever has more has one mistake many times. */
const MOST_TOLD = 50

function messageOf(shown: string, problems: readonly ConfigProblem[]): string {
  const [first, ...more] = problems
  if (first === undefined) return `Cannot use ${shown}`
  if (more.length === 0) return `Cannot use ${lineOf(shown, first)}`
  const told = problems.slice(0, MOST_TOLD).map((problem) => `  ${lineOf(shown, problem)}`)
  const left = problems.length - told.length
  const rest = left > 0 ? [`  … and ${left} more`] : []
  return [`Cannot use ${shown}: ${problems.length} things are wrong with it`, ...told, ...rest].join('\n')
}

/** `pagent.yaml:3:5 workers.web: …`, which terminals and editors turn into a link. */
function lineOf(shown: string, { path, line, column, message }: ConfigProblem): string {
  const place = line === undefined ? '' : `:${line}${column === undefined ? '' : `:${column}`}`
  return printable(`${shown}${place}${path === '' ? '' : ` ${path}`}: ${message}`)
}

/** One line, and nothing that a terminal would obey: the file may be anybody's. */
function printable(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, ' ').replaceAll(/[\0-\x1f\x7f-\x9f]/g, '?')
}

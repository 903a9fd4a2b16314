import { formatMillis } from '../../base/units.ts'
import type { Enforcement } from '../../process/limits.ts'
import { type Style, wrapped } from '../terminal.ts'
import { type Diagnosis, LAUNCHERS, type LauncherName, type LimitRow, PER_WORKER } from './examine.ts'

type Paint = (style: Style, text: string) => string

const WIDTH = 80
const INDENT = ' '.repeat(10)

/** The diagnosis for people, in 80 columns. */
export function report(diagnosis: Diagnosis, paint: Paint): string {
  const { pagent, node, system } = diagnosis
  return [
    `pagent ${pagent}, Node ${node}, ${system}`,
    '',
    ...paragraph('Launcher', `${diagnosis.launcher.name}: ${diagnosis.launcher.why}`, paint),
    ...LAUNCHERS.flatMap((name) => healthLines(diagnosis, name, paint)),
    ...paragraph('Cgroups', cgroups(diagnosis), paint),
    ...paragraph('Files', files(diagnosis), paint),
    '',
    row(['LIMIT', 'FORK-SERVER', 'PORTABLE', 'NOTE'], (text) => paint('dim', text)),
    ...diagnosis.limits.map((limit) => limitLine(limit, paint)),
    ...wrapped('exact: nothing slips past it. watched: for a moment it may use more. –: refused.', '', WIDTH).map(
      (line) => paint('dim', line),
    ),
    '',
    ...advice(diagnosis, paint),
    '',
  ].join('\n')
}

function paragraph(title: string, text: string, paint: Paint): string[] {
  const [first = '', ...more] = wrapped(text, INDENT, WIDTH)
  return [paint('bold', title.padEnd(INDENT.length)) + first.trimStart(), ...more]
}

function healthLines({ launchers }: Diagnosis, name: LauncherName, paint: Paint): string[] {
  const { works, error, startTime = 0 } = launchers[name]
  const text = works
    ? `${name} started a worker in ${formatMillis(startTime)}, with every limit below`
    : `${name}: ${error ?? 'it does not work'}`
  const [first = '', ...more] = wrapped(text.replaceAll(/\s+/g, ' '), `${INDENT}  `, WIDTH)
  return [`${INDENT}${works ? paint('green', '✓') : paint('red', '✗')} ${first.trimStart()}`, ...more]
}

function cgroups({ cgroups: { cgroup2, cgroup1 } }: Diagnosis): string {
  const parts = [
    ...(cgroup2.length === 0 ? [] : [`version 2 for ${cgroup2.join(', ')}`]),
    ...(cgroup1.length === 0 ? [] : [`version 1 for ${cgroup1.join(', ')}`]),
  ]
  return parts.length === 0 ? 'none can be used' : parts.join('; ')
}

function files({ openFiles: { max, workers } }: Diagnosis): string {
  if (max === null) return 'ulimit -n sets no limit'
  const each = LAUNCHERS.map((name) => `${workers[name]} by ${name} (${PER_WORKER[name]} each)`)
  return `ulimit -n is ${max}. By their descriptors, so many workers at a time: ${each.join(', ')}`
}

function limitLine(limit: LimitRow, paint: Paint): string {
  const styles = ['bold', styleOf(limit['fork-server']), styleOf(limit.portable), 'dim'] as const
  const cells = [limit.limit, cell(limit['fork-server']), cell(limit.portable), limit.note] as const
  return row(cells, (text, column) => paint(styles[column] ?? 'dim', text))
}

const COLUMNS = [11, 18, 15, 0] as const

/** Painted after it was padded: escape codes take no room. */
function row(cells: readonly string[], paint: (text: string, column: number) => string): string {
  return cells
    .map((text, column) => paint(text.padEnd(COLUMNS[column] ?? 0), column))
    .join('')
    .trimEnd()
}

function cell(how: Enforcement | null): string {
  return how === null ? '–' : `${how.enforcedBy} ${how.exact ? 'exact' : 'watched'}`
}

function styleOf(how: Enforcement | null): Style {
  return how === null ? 'red' : how.exact ? 'green' : 'yellow'
}

function advice({ advice: lines }: Diagnosis, paint: Paint): string[] {
  if (lines.length === 0) return ['Every limit is enforced exactly; there is no more to get.']
  const items = lines.flatMap((line) => {
    const [first = '', ...more] = wrapped(line.replaceAll(/\s+/g, ' '), '  ', WIDTH)
    return [`- ${first.trimStart()}`, ...more]
  })
  return [paint('bold', 'To get more'), ...items]
}

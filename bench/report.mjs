// Markdown tables of what was measured, and of what was promised.
import { median } from './measure.mjs'

/** One row a contender: the median of each column, and how far the first one spread over the rounds. */
export function results({ title, columns }, rounds, names, steal) {
  const [main] = Object.keys(columns)
  const base = names[0]
  const head = ['', ...Object.values(columns), `range of ${columns[main]}`, `× ${base}`]
  const rows = names.map((name) => {
    const seen = rounds.map((round) => round[name]).filter(Boolean)
    if (seen.length === 0) return [name, ...head.slice(1).map(() => '–')]
    const values = seen.map((run) => run[main])
    const medians = Object.keys(columns).map((column) => show(median(seen.map((run) => run[column] ?? Number.NaN))))
    const range = `${show(Math.min(...values))} … ${show(Math.max(...values))}`
    return [name, ...medians, range, name === base ? '1' : showRatio(ratios(rounds, main, name, base))]
  })
  return `### ${title}\n\n${table(head, rows)}\n\n${rounds.length} rounds; steal ${percent(steal)}.\n`
}

/** One row a budget: the median of the ratios within a round, and whether it is met. */
export function verdicts({ columns, budgets }, rounds) {
  const rows = budgets.map(({ value, of = 'pagent', over, atLeast, atMost }) => {
    const measured = over === undefined ? rounds.map((round) => round[of]?.[value]) : ratios(rounds, value, of, over)
    const seen = measured.filter((ratio) => ratio >= 0)
    const whose = of === 'pagent' ? '' : ` (${of})`
    const what = `${columns[value]}${whose}${over === undefined ? '' : `, ratio to ${over}`}`
    const wanted = atLeast !== undefined ? `≥ ${atLeast}` : atMost !== undefined ? `≤ ${atMost}` : '–'
    if (seen.length === 0) return [what, wanted, 'not measured', '', '']
    const middle = Number(median(seen).toFixed(2))
    const met = middle >= (atLeast ?? 0) && middle <= (atMost ?? Infinity)
    const verdict = wanted === '–' ? '' : met ? '✓' : '✗ missed'
    return [what, wanted, String(middle), `${show(Math.min(...seen))} … ${show(Math.max(...seen))}`, verdict]
  })
  return `${table(['budget', 'wanted', 'median', 'range', ''], rows)}\n`
}

/** Within a round, because what disturbs the machine disturbs neighbours alike. */
function ratios(rounds, value, name, over) {
  return rounds.map((round) => (round[name]?.[value] ?? Number.NaN) / (round[over]?.[value] ?? Number.NaN))
}

const showRatio = (values) => {
  const seen = values.filter((value) => value > 0)
  return seen.length === 0 ? '–' : show(median(seen))
}

const line = (cells) => `| ${cells.join(' | ')} |`

export function table(head, rows) {
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '--:'))), ...rows.map(line)].join('\n')
}

export const percent = (share) => `${(share * 100).toFixed(0)} %`

function show(value) {
  if (Number.isNaN(value)) return '–'
  return Math.abs(value) >= 1000 ? Math.round(value).toLocaleString('en-US') : String(Number(value.toPrecision(3)))
}

/** One sample of the text format of Prometheus. */
export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** Reads the text format, strictly: what is not in it throws. */
export function parseExposition(text: string): {
  readonly samples: readonly Sample[]
  readonly types: ReadonlyMap<string, string>
} {
  const samples: Sample[] = []
  const types = new Map<string, string>()
  for (const line of text.split('\n')) {
    if (line === '' || /^# HELP [a-z_]+ \S/.test(line)) continue
    const type = /^# TYPE (?<name>[a-z_]+) (?<type>counter|gauge|histogram)$/.exec(line)?.groups
    if (type === undefined) samples.push(sampleOf(line, types))
    else if (types.has(type['name'] ?? '')) throw new Error(`two of ${line}`)
    else types.set(type['name'] ?? '', type['type'] ?? '')
  }
  return { samples, types }
}

function sampleOf(line: string, types: ReadonlyMap<string, string>): Sample {
  const found = /^(?<name>[a-z_]+)(?:\{(?<labels>.*)\})? (?<value>[-+\w.]+)$/.exec(line)?.groups
  if (found === undefined) throw new Error(`no sample: ${line}`)
  const name = found['name'] ?? ''
  if (!types.has(name) && !types.has(name.replace(/_(?:bucket|sum|count)$/, ''))) throw new Error(`no type: ${line}`)
  return { name, labels: labelsOf(found['labels'] ?? ''), value: Number(found['value']) }
}

function labelsOf(text: string): Record<string, string> {
  const pairs = [...text.matchAll(/(?<key>[a-z_]+)="(?<value>(?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/g)]
  if (pairs.map(([pair]) => pair).join('') !== text) throw new Error(`no labels: ${text}`)
  return Object.fromEntries(
    pairs.map(({ groups }) => [groups?.['key'] ?? '', JSON.parse(`"${groups?.['value'] ?? ''}"`) as string]),
  )
}

/** The sum of all samples of that name that have these labels, among others. */
export function total(samples: readonly Sample[], name: string, labels: Readonly<Record<string, string>> = {}): number {
  const wanted = Object.entries(labels)
  return samples
    .filter((sample) => sample.name === name && wanted.every(([key, value]) => sample.labels[key] === value))
    .reduce((sum, { value }) => sum + value, 0)
}

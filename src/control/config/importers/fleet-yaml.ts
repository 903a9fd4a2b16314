import { Document, type Node, Pair, Scalar, YAMLMap, isSeq } from 'yaml'
import { SCHEMA_URL } from '../schema/fleet-schema.ts'

/** A worker as it is to be written, with what there is to say about it. */
export interface WorkerDraft {
  readonly name: string
  readonly values: Readonly<Record<string, unknown>>
  /** What could not be translated, a line each. */
  readonly notes: readonly string[]
}

/** The text of a `pagent.yaml` with these workers. */
export function fleetYaml(workers: readonly WorkerDraft[], notes: readonly string[] = []): string {
  const document = new Document()
  const members = new YAMLMap<Scalar, Node>()
  for (const { name, values, notes: own } of workers) {
    const key = new Scalar(name)
    if (own.length > 0) key.commentBefore = own.map(commented).join('\n')
    const value = document.createNode(escaped(values)) as YAMLMap
    const command = value.get('command')
    if (isSeq(command)) command.flow = true
    members.add(new Pair(key, value))
  }
  const root = new YAMLMap<Scalar, Node>()
  root.add(new Pair(new Scalar('workers'), members))
  document.contents = root as never
  document.commentBefore = [schemaLine(), ...notes.map(commented)].join('\n')
  return document.toString({ lineWidth: 100 })
}

/** Tells editors what may stand in the file. */
export function schemaLine(schema = SCHEMA_URL): string {
  return ` yaml-language-server: $schema=${schema}`
}

/** A comment is a line, whatever stands in it. */
function commented(note: string): string {
  return ` ${note.replaceAll(/[\0-\x1f\x7f\u0085\u2028\u2029]+/g, ' ')}`
}

/** A dollar sign begins a variable, and two are one. */
function escaped(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('$', '$$$$')
  if (Array.isArray(value)) return value.map(escaped)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, escaped(each)]))
}

/** A name that a worker can have, as near to the given as can be, and not taken. */
export function freeName(wanted: string, taken: Set<string>): string {
  const plain = wanted
    .replaceAll(/[^a-zA-Z0-9._-]+/g, '-')
    .replace(/^[._-]+/, '')
    .slice(0, 90)
  const base = plain === '' || plain === 'all' || /^\d+$/.test(plain) ? `worker-${plain}`.replace(/-$/, '') : plain
  let name = base
  for (let number = 2; taken.has(name); number++) name = `${base}.${number}`
  taken.add(name)
  return name
}

import {
  type Alias,
  type Document,
  LineCounter,
  type Node,
  type Pair,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  parseDocument,
  visit,
} from 'yaml'
import {
  type Found,
  type FoundEntry,
  type FoundMap,
  MOST_LEVELS,
  MOST_VALUES,
  type Place,
  type Problems,
  below,
} from './found.ts'
import { type Variables, interpolate } from './interpolate.ts'

/** Reads YAML 1.2 with merge keys; undefined, and problems, for what is not. */
export function fromYaml(text: string, variables: Variables, problems: Problems): Found | undefined {
  const counter = new LineCounter()
  const before = problems.count
  const parsed = parse(text, counter, problems)
  if (parsed === undefined) return undefined
  const placeAt = (offset: number): Place => {
    const { line, col } = counter.linePos(offset)
    return { path: '', line, column: col }
  }
  for (const { code, message, pos } of [...parsed.errors, ...parsed.warnings]) {
    if (problems.isFull) break
    problems.add(placeAt(pos[0]), FRIENDLY[code] ?? sentence(message))
  }
  if (problems.count > before) return undefined
  if (parsed.contents === null) return { kind: 'map', place: { path: '', line: 1, column: 1 }, entries: [] }
  return new YamlReader(parsed, placeAt, variables, problems).read(parsed.contents, '', 0)
}

const FRIENDLY: Readonly<Record<string, string>> = {
  RESOURCE_EXHAUSTION: 'this is nested too deeply to be read',
  TAB_AS_INDENT: 'YAML is indented by spaces, not by tabs',
  MULTIPLE_DOCS: 'one file holds one fleet: there is a second document behind ---',
}

function sentence(message: string): string {
  return `this is no YAML: ${message.charAt(0).toLowerCase()}${message.slice(1)}`
}

/** Nesting without end overflows the stack of the parser. */
function parse(text: string, lineCounter: LineCounter, problems: Problems): Document.Parsed | undefined {
  // A hostile file has a million errors, and the stack of each takes longer than all the rest.
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    // Its own check of keys compares each with each.
    return parseDocument(text, { lineCounter, prettyErrors: false, uniqueKeys: false, logLevel: 'error' })
  } catch (error) {
    problems.add({ path: '' }, `this YAML cannot be read: ${(error as Error).message}`)
    return undefined
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

class YamlReader {
  readonly #placeAt: (offset: number) => Place
  readonly #variables: Variables
  readonly #problems: Problems
  readonly #targets: ReadonlyMap<Alias, Node>
  #values = 0
  #isTooDeep = false

  constructor(document: Document, placeAt: (offset: number) => Place, variables: Variables, problems: Problems) {
    this.#targets = targetsOf(document)
    this.#placeAt = placeAt
    this.#variables = variables
    this.#problems = problems
  }

  read(node: Node | null, path: string, level: number): Found | undefined {
    const place = this.#place(node, path)
    if (++this.#values > MOST_VALUES) return this.#tooMany(place)
    if (level > MOST_LEVELS) return this.#tooDeep(place)
    if (isAlias(node)) return this.#alias(node, path, level, place)
    if (isMap(node)) return this.#map(node as YAMLMap<Node, Node | null>, path, level, place)
    if (isSeq(node)) return this.#list(node as YAMLSeq<Node>, path, level, place)
    return isScalar(node) ? this.#scalar(node, place) : { kind: 'scalar', place, value: null, text: '', loose: false }
  }

  #place(node: Node | null, path: string): Place {
    const offset = node?.range?.[0]
    return offset === undefined ? { path } : { ...this.#placeAt(offset), path }
  }

  #refuse(place: Place, message: string): undefined {
    this.#problems.add(place, message)
  }

  #broken(place: Place, message: string): Found {
    this.#refuse(place, message)
    return { kind: 'broken', place }
  }

  /** Told once. */
  #tooMany(place: Place): undefined {
    if (this.#values === MOST_VALUES + 1)
      this.#refuse(place, `this file holds, with all its aliases, more than ${MOST_VALUES} values`)
  }

  /** Told once: what contains itself has countless such places. */
  #tooDeep(place: Place): undefined {
    if (!this.#isTooDeep) this.#refuse(place, `this is nested more than ${MOST_LEVELS} levels deep, or in itself`)
    this.#isTooDeep = true
  }

  #alias(node: Alias, path: string, level: number, place: Place): Found | undefined {
    const target = this.#targets.get(node)
    if (target === undefined) return this.#broken(place, `there is no anchor &${node.source} above`)
    return this.read(target, path, level + 1)
  }

  #list(node: YAMLSeq<Node>, path: string, level: number, place: Place): Found {
    const items = node.items.map((item, index) => this.read(item, below(path, index), level + 1))
    return { kind: 'list', place, items: items.filter((item) => item !== undefined) }
  }

  #map(node: YAMLMap<Node, Node | null>, path: string, level: number, place: Place): FoundMap {
    const own = new Map<string, FoundEntry>()
    const merged: FoundEntry[] = []
    for (const pair of node.items) {
      if (isMerge(pair)) merged.push(...this.#merge(pair.value, path, level))
      else this.#entry(pair, path, level, own)
    }
    for (const entry of merged) if (!own.has(entry.key)) own.set(entry.key, entry)
    return { kind: 'map', place, entries: [...own.values()] }
  }

  #entry(
    { key: keyNode, value }: Pair<Node, Node | null>,
    path: string,
    level: number,
    own: Map<string, FoundEntry>,
  ): void {
    const key = this.#key(keyNode, path)
    if (key === undefined) return
    const place = this.#place(keyNode, below(path, key))
    const read = this.read(value, place.path, level + 1)
    if (own.has(key)) this.#refuse(place, `the key ${JSON.stringify(key)} stands here twice`)
    else if (read !== undefined) own.set(key, { key, place, value: emptyAt(place, read) })
  }

  #key(node: Node | null, path: string): string | undefined {
    const target = isAlias(node) ? this.#targets.get(node) : node
    if (isScalar(target)) return target.source ?? String(target.value)
    return this.#refuse(this.#place(node, path), 'a key must be text')
  }

  /** What stands behind `<<`: a map, or several, the first of which counts. */
  #merge(node: Node | null, path: string, level: number): readonly FoundEntry[] {
    const found = this.read(node, path, level + 1)
    const maps = found?.kind === 'list' ? found.items : found === undefined ? [] : [found]
    return maps.flatMap((map) => {
      if (map.kind === 'map') return map.entries
      if (map.kind !== 'broken')
        this.#refuse(this.#place(node, path), 'what << merges must be a map, or a list of maps')
      else if (map.problem !== undefined) this.#refuse(map.place, map.problem)
      return []
    })
  }

  #scalar(node: Scalar, place: Place): Found | undefined {
    const { value } = node
    const written = node.type === 'PLAIN' || node.type === undefined ? (node.source ?? String(value)) : String(value)
    if (typeof value !== 'string') return { kind: 'scalar', place, value, text: written, loose: false }
    const result = interpolate(value, this.#variables)
    if ('problem' in result) return { kind: 'broken', place, problem: result.problem }
    return { kind: 'scalar', place, value: result.text, text: result.text, loose: result.filled }
  }
}

/** What each alias stands for; its own way to find out searches the whole document for each. */
function targetsOf(document: Document): ReadonlyMap<Alias, Node> {
  const anchors = new Map<string, Node>()
  const targets = new Map<Alias, Node>()
  visit(document, (_, node) => {
    if (isAlias(node)) {
      const target = anchors.get(node.source)
      if (target !== undefined) targets.set(node, target)
    } else if (isNode(node) && node.anchor !== undefined) anchors.set(node.anchor, node)
  })
  return targets
}

function isMerge({ key }: Pair<Node, Node | null>): boolean {
  return isScalar(key) && key.type === 'PLAIN' && key.value === '<<'
}

/** Nothing stands nowhere: it is shown at its key. */
function emptyAt(place: Place, value: Found): Found {
  return value.kind === 'scalar' && value.value === null && value.text === '' ? { ...value, place } : value
}

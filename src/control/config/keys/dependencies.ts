import type { Place } from '../found/found.ts'
import { list, named } from '../shapes/collections.ts'
import { text, word } from '../shapes/scalars.ts'
import { type Shape, forms, mapped } from '../shapes/shape.ts'
import { table } from '../shapes/table.ts'

/** On whom something depends, and on what of it. */
export interface Dependency {
  readonly name: string
  readonly place: Place
  readonly condition: 'ready' | 'started'
}

const CONDITION = word({
  ready: 'ready',
  started: 'started',
  service_healthy: 'ready',
  service_started: 'started',
} as const)

const CONDITIONS = table('a map with a condition', {
  condition: { shape: CONDITION, about: 'ready: it can be used; started: it was started.', fallback: 'ready' },
})

/** Names, or a map from names to conditions. */
export const DEPENDENCIES: Shape<readonly Dependency[]> = forms({
  list: list(
    mapped(text('a name'), (name, { place }): Dependency => ({ name, place, condition: 'ready' })),
    'a list of names',
  ),
  map: mapped(named(CONDITIONS, 'a map of names'), (entries) =>
    entries.map(({ name, place, value }) => ({ name, place, condition: value.get('condition') ?? 'ready' })),
  ),
})

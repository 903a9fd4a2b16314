import type { Screen } from '../../show/screen.ts'
import type { Lines } from '../model/lines.ts'
import type { FleetPicture } from '../model/picture.ts'
import type { Row } from '../model/rows.ts'
import type { TopState } from '../steering/view.ts'
import type { Geometry } from './geometry.ts'

/** How large the terminal is. */
export interface Size {
  readonly columns: number
  readonly rows: number
}

/** Everything that a picture of it is made from. */
export interface PaintScene {
  readonly size: Size
  readonly geometry: Geometry
  readonly picture: FleetPicture
  readonly rows: readonly Row[]
  readonly lines: Lines
  readonly state: TopState
  /** The page of text that is shown, if one is. */
  readonly text: readonly string[]
  readonly isReadOnly: boolean
  /** By the monotonic clock, and by the one on the wall. */
  readonly now: number
  readonly date: number
  readonly ink: Pick<Screen, 'paint' | 'isColoured'>
}

/** The colour of what is chosen, and of keys. All other colours are those of states and workers. */
export const ACCENT = 'cyan'

import type { Act } from './act.ts'
import { anyProgram } from './acts/any-program.ts'
import { causes } from './acts/causes.ts'
import { crash } from './acts/crash.ts'
import { crowd } from './acts/crowd.ts'
import { deafEars } from './acts/deaf-ears.ts'
import { flood } from './acts/flood.ts'
import { framings } from './acts/framings.ts'
import { hang } from './acts/hang.ts'
import { ladder } from './acts/ladder.ts'
import { orphans } from './acts/orphans.ts'

/** In the order in which they are played. */
export const ACTS: readonly Act[] = [anyProgram, framings, crash, hang, ladder, causes, flood, deafEars, crowd, orphans]

// The same, with whatever JavaScript can clone.
import { structured } from 'pagent/framing'
import { serve } from 'pagent/worker'
import { add, echo } from './functions.mjs'

await serve({ add, echo }, { framing: structured() })

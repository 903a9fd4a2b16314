// What pagent calls: nothing but its functions.
import { serve } from 'pagent/worker'
import { add, echo } from './functions.mjs'

await serve({ add, echo })

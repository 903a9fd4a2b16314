// What pagent calls: nothing but its functions.
import { jsonRpc, structured } from 'pagent/framing'
import { serve } from 'pagent/worker'
import { add, echo } from './functions.mjs'

await serve({ add, echo }, { framing: { jsonRpc, structured }[process.argv[2]]() })

import workerpool from 'workerpool'
import { add, echo } from './functions.mjs'

workerpool.worker({ add, echo })

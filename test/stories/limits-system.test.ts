import { testLimits } from '../contracts/limits.ts'
import { testUsage } from '../contracts/usage.ts'
import { abilitiesHere } from '../support/trees.ts'

const abilities = await abilitiesHere()
testLimits('with what this machine has', abilities)
testUsage('with what this machine has', abilities)

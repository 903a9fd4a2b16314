import { testLimits } from '../contracts/limits.ts'
import { testUsage } from '../contracts/usage.ts'
import { abilitiesHere } from '../support/trees.ts'

// Whatever this machine has: many have no cgroup that may be written.
process.env['PAGENT_CGROUPS'] = 'off'

const abilities = await abilitiesHere()
testLimits('without cgroups', abilities)
testUsage('without cgroups', abilities)

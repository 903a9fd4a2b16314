import { forkServer } from '../../src/index.ts'
import { testLauncher } from '../contracts/launcher.ts'

testLauncher('fork-server', forkServer)

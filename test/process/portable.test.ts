import { portable } from '../../src/index.ts'
import { testLauncher } from '../contracts/launcher.ts'

testLauncher('portable', portable)

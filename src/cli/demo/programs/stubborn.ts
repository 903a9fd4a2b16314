// Ends neither at the end of its stdin nor by SIGTERM.
import { systemClock } from '../../../base/clock.ts'

process.on('SIGTERM', () => console.log('SIGTERM? no.'))
process.stdin.on('end', () => console.log('end of input? no.')).resume()
systemClock.after(86_400_000, () => {})
console.log('here to stay')

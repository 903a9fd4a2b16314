import { readFileSync } from 'node:fs'

/** A watch of the CPU time that this process uses: milliseconds since the call, whatever else the machine has to do. */
export function cpuTime(): () => number {
  const before = process.cpuUsage()
  return () => {
    const { user, system } = process.cpuUsage(before)
    return (user + system) / 1000
  }
}

/** The same of its children that have ended, in steps of 10 ms. */
export function cpuTimeOfChildren(): () => number {
  const before = ofChildren()
  return () => ofChildren() - before
}

/** The least of so many tries: what is slow the first time, or is cleaned up meanwhile, counts in some of them only. */
export function least(tries: number, measure: () => number): number {
  return Math.min(...Array.from({ length: tries }, measure))
}

/** Linux shows it in hundredths of a second, behind a name that may hold anything. */
function ofChildren(): number {
  const stat = readFileSync('/proc/self/stat', 'utf8')
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(13, 15)
  return (Number(user) + Number(system)) * 10
}

import { type Abilities, type Enforcement, MASTER_ABILITIES, type SystemLimitName } from '../limits.ts'
import { ENFORCERS } from './protocol.ts'

/** What the first words of the fork server say about this machine. What the kernel does not enforce is watched. */
export function abilitiesOf(hello: ReadonlyMap<string, string>): Abilities {
  const by = (name: string): Enforcement | undefined => {
    const enforcedBy = ENFORCERS[Number(hello.get(name))]
    return enforcedBy === undefined ? undefined : { enforcedBy, exact: true }
  }
  const sampled: Enforcement = { enforcedBy: 'sampling', exact: false }
  const rlimit: Enforcement = { enforcedBy: 'rlimit', exact: true }
  const cpus = by('cpus')
  const system: { [L in SystemLimitName]?: Enforcement } = {
    memory: by('memory') ?? sampled,
    cpuTime: by('cpuTime') ?? sampled,
    ...(cpus === undefined ? {} : { cpus }),
    processes: by('processes') ?? sampled,
    openFiles: rlimit,
    fileSize: rlimit,
  }
  const reason = hello.get('reason') ?? ''
  return {
    launcher: 'fork-server',
    limits: { ...system, ...MASTER_ABILITIES },
    reasons: reason === '' ? [] : [reason],
  }
}

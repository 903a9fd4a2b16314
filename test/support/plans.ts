import { tmpdir } from 'node:os'
import type {
  FleetPlan,
  GroupEntry,
  EntryPlan,
  PoolEntry,
  ProgramPlan,
  WorkerEntry,
} from '../../src/control/config/fleet-plan.ts'

/** A fleet that was read from nowhere. */
export function planOf(entries: readonly EntryPlan[], more: Partial<FleetPlan> = {}): FleetPlan {
  return {
    schemaVersion: 1,
    name: 'test',
    file: `${tmpdir()}/pagent.yaml`,
    folder: tmpdir(),
    entries,
    log: { maxSize: 10 * 1024 * 1024, maxFiles: 5, maxAge: undefined },
    ...more,
  }
}

const PROGRAM: Omit<ProgramPlan, 'file'> = {
  args: [],
  cwd: tmpdir(),
  env: {},
  inheritEnv: undefined,
  framing: 'lines',
  ready: { when: 'spawn' },
  readyTimeout: 30_000,
  alive: undefined,
  shutdown: { farewell: undefined, eof: 2000, killSignal: 'SIGTERM', grace: 3000 },
  limits: {},
}

/** One worker with what the configuration would say of it by default. */
export function workerOf(
  id: string,
  file: string,
  args: readonly string[] = [],
  more: Partial<WorkerEntry> = {},
): WorkerEntry {
  return {
    ...PROGRAM,
    kind: 'worker',
    id,
    service: id,
    dependsOn: [],
    file,
    args,
    restart: 'permanent',
    backoff: { min: 1, max: 10, factor: 2, jitter: 0 },
    intensity: { restarts: 3, within: 60_000 },
    autostart: true,
    schedule: undefined,
    ...more,
  }
}

export function groupOf(id: string, children: readonly EntryPlan[], more: Partial<GroupEntry> = {}): GroupEntry {
  return {
    kind: 'group',
    id,
    dependsOn: [],
    strategy: 'one-for-one',
    stop: 'one-by-one',
    intensity: { restarts: 3, within: 60_000 },
    children,
    ...more,
  }
}

export function poolOf(
  id: string,
  file: string,
  args: readonly string[] = [],
  more: Partial<PoolEntry> = {},
): PoolEntry {
  return {
    kind: 'pool',
    id,
    dependsOn: [],
    module: undefined,
    program: { ...PROGRAM, file, args },
    size: { min: 1, max: 1 },
    spares: 0,
    concurrency: 1,
    maxQueue: 100,
    idle: undefined,
    backoff: { min: 1, max: 10, factor: 2, jitter: 0 },
    intensity: { restarts: 3, within: 60_000 },
    recycle: {},
    call: {},
    ...more,
  }
}

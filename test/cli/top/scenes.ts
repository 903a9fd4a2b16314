import type { EventRecord, FleetStatus, LogRecord, WorkerStatus } from '../../../src/control/api/wire.ts'
import { Lines } from '../../../src/cli/top/model/lines.ts'
import { FleetPicture } from '../../../src/cli/top/model/picture.ts'
import { rowsOf } from '../../../src/cli/top/model/rows.ts'
import { geometryFor } from '../../../src/cli/top/paint/geometry.ts'
import type { PaintScene } from '../../../src/cli/top/paint/scene.ts'
import { settled } from '../../../src/cli/top/steering/moves.ts'
import type { Scene } from '../../../src/cli/top/steering/update.ts'
import { FIRST_STATE, type TopState, viewOf } from '../../../src/cli/top/steering/view.ts'
import { painter } from '../../../src/cli/terminal.ts'

const MIB = 2 ** 20

export function worker(id: string, more: Partial<WorkerStatus> = {}): WorkerStatus {
  return {
    id,
    service: id,
    state: 'running',
    pid: 48213,
    incarnation: 2,
    uptime: 134_000,
    restarts: 1,
    cpu: 0.031,
    memory: 46 * MIB,
    messages: { in: 100, out: 18.4 },
    ...more,
  }
}

const DEAD = { pid: undefined, uptime: undefined, cpu: undefined, memory: undefined, messages: undefined } as object

export const exit = (text: string, isAbnormal = true): NonNullable<WorkerStatus['lastExit']> => ({
  at: 0,
  kind: 'failed',
  text,
  isAbnormal,
  incarnation: 1,
  uptime: 5,
})

/** Six workers: one at its limit, one that waits to be started again, two of a group. */
export const SOME: readonly WorkerStatus[] = [
  worker('web', { memoryLimit: 48 * MIB, lastExit: exit('exited with code 1 after 12s') }),
  worker('api', { pid: 7, cpu: 0.5, memory: 120 * MIB, restarts: 0, messages: { in: 0, out: 0 } }),
  worker('room-43', { ...DEAD, state: 'backoff', restarts: 5, lastExit: exit('was killed by SIGKILL after 1.5m') }),
  worker('report', { ...DEAD, state: 'idle', restarts: 0 }),
  worker('git', { pid: 900, group: 'mcp', restarts: 0, uptime: 3_720_000, cpu: 0, memory: 2 * MIB }),
  worker('files', { pid: 901, group: 'mcp', restarts: 0, uptime: 3_720_000, cpu: 0, memory: 3 * MIB }),
]

export const FLEET: FleetStatus = {
  schemaVersion: 1,
  name: 'game',
  file: '/srv/pagent.yaml',
  pid: 1,
  version: '1.0.0',
  node: '24.0.0',
  launcher: 'fork-server',
  startedAt: 0,
  isReadOnly: false,
  isReady: true,
  isStopping: false,
  states: {},
  stateFolder: '/state/game',
}

export const record = (name: string, msg: string, more: Partial<LogRecord> = {}): LogRecord => ({
  seq: 1,
  time: new Date(2026, 10, 26, 12, 3, 4, 567).getTime(),
  worker: name,
  incarnation: 1,
  stream: 'out',
  level: 30,
  msg,
  ...more,
})

export const event = (type: string, more: Partial<EventRecord> = {}): EventRecord => ({
  seq: 1,
  at: 2000,
  worker: 'web',
  type,
  ...more,
})

/** A fleet that was seen three times, a second apart. */
export function pictureOf(workers: readonly WorkerStatus[] = SOME): FleetPicture {
  const picture = new FleetPicture(0)
  picture.take({ topic: 'hello', data: FLEET }, 0)
  for (const at of [1, 2, 3]) {
    const seen = workers.map((one) => ({ ...one, ...(one.cpu === undefined ? {} : { cpu: (one.cpu * at) / 3 }) }))
    picture.take({ topic: 'metrics', data: { at: at * 1000, workers: seen } }, at * 1000)
  }
  return picture
}

export function linesOf(records: readonly LogRecord[] = SAID): Lines {
  const lines = new Lines()
  for (const one of records) lines.push(one)
  return lines
}

export const SAID: readonly LogRecord[] = [
  record('web', 'listening on 3000'),
  record('room-43', 'was killed by SIGKILL after 1.5m', { stream: 'pagent' }),
  record('room-43', 'is started again in 800ms (attempt 5)', { stream: 'pagent' }),
  record('api', 'GET /players 200 12ms'),
]

export interface Given {
  readonly columns?: number
  readonly rows?: number
  readonly state?: Partial<TopState>
  readonly picture?: FleetPicture
  readonly lines?: Lines
  readonly text?: readonly string[]
  readonly isReadOnly?: boolean
  readonly now?: number
  readonly isColoured?: boolean
}

/** What is painted. */
export function paintScene(given: Given = {}): PaintScene {
  const { columns = 80, rows: height = 24, now = 3100, isColoured = false, text = [], isReadOnly = false } = given
  const { picture = pictureOf(), lines = linesOf() } = given
  const state = { ...FIRST_STATE, ...given.state }
  const size = { columns, rows: height }
  const rows = rowsOf(picture.workers, state.sort, state.filter)
  const geometry = geometryFor(size, viewOf(state), rows.length)
  const ground = { rows, lines, worker: (id: string) => picture.worker(id), room: geometry, textLength: text.length }
  const ink = { isColoured, paint: painter(isColoured) }
  const settledState = settled(state, ground)
  return { size, geometry, picture, rows, lines, state: settledState, text, isReadOnly, now, date: 7_384_000, ink }
}

/** What keys are about. */
export function keyScene(given: Given = {}): Scene {
  const { rows, lines, picture, geometry, isReadOnly, text } = paintScene(given)
  return {
    rows,
    lines,
    worker: (id) => picture.worker(id),
    room: geometry,
    textLength: text.length,
    workers: picture.workers,
    fleet: 'game',
    isReadOnly,
  }
}

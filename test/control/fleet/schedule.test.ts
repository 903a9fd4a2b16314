import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SchedulePlan, WorkerEntry } from '../../../src/control/config/fleet-plan.ts'
import { Schedule } from '../../../src/control/fleet/units/schedule.ts'
import type { Surroundings } from '../../../src/control/fleet/units/unit.ts'
import { Roster } from '../../../src/control/fleet/watch/roster.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { fleetStory, stateOf } from '../../support/fleets.ts'
import { groupOf, planOf, workerOf } from '../../support/plans.ts'

const HOUR = 3_600_000

/** One whose date can be set, as an administrator does. */
class SetClock extends FakeClock {
  #off = 0

  override date(): number {
    return super.date() + this.#off
  }

  set(by: number): void {
    this.#off += by
  }
}

/** A schedule, and what it does. */
function scheduled(plan: SchedulePlan): { clock: SetClock; schedule: Schedule; done: string[]; roster: Roster } {
  const clock = new SetClock()
  const roster = new Roster(clock, () => {})
  const done: string[] = []
  const entry = workerOf('job', 'true', [], { schedule: plan })
  roster.enter({ id: 'job', service: 'job' }, entry)
  const at = (): string => new Date(clock.date()).toISOString().slice(5, 16)
  const around = { clock, roster, tell: ({ type }: { type: string }) => done.push(`${at()} ${type}`) }
  const act = (what: string) => async (): Promise<void> => void done.push(`${at()} ${what}`)
  const schedule = new Schedule(entry, plan, around as unknown as Surroundings, () => ({
    start: act('start'),
    restart: act('restart'),
  }))
  return { clock, schedule, done, roster }
}

test('a worker is started at its times, and in between it is known when the next is', () => {
  const { clock, schedule, done, roster } = scheduled({ cron: '30 6 * * *', timezone: 'UTC', overlap: 'skip' })
  schedule.arm()
  schedule.arm()
  assert.equal(roster.of('job').nextRun, Date.UTC(2024, 0, 1, 6, 30))
  clock.advance(31 * HOUR)
  assert.deepEqual(done, [
    '01-01T06:30 schedule-started',
    '01-01T06:30 start',
    '01-02T06:30 schedule-started',
    '01-02T06:30 start',
  ])
  assert.equal(roster.of('job').nextRun, Date.UTC(2024, 0, 3, 6, 30))
  schedule.disarm()
  assert.equal(roster.of('job').nextRun, undefined)
  clock.advance(48 * HOUR)
  assert.equal(done.length, 4)
  assert.equal(clock.pending, 0)
})

test('times are those of its time zone', () => {
  const { clock, schedule, roster } = scheduled({ cron: '0 9 * * *', timezone: 'Asia/Tokyo', overlap: 'skip' })
  schedule.arm()
  // It is nine in Tokyo right now: the next is tomorrow's.
  assert.equal(roster.of('job').nextRun, Date.UTC(2024, 0, 2, 0, 0))
  schedule.disarm()
  assert.equal(clock.pending, 0)
})

test('a clock that is set, back or on, is noticed within a minute', () => {
  const { clock, schedule, done, roster } = scheduled({ cron: '*/30 * * * *', timezone: 'UTC', overlap: 'skip' })
  schedule.arm()
  clock.set(-6 * HOUR)
  clock.advance(HOUR)
  assert.deepEqual(done, [
    '12-31T18:30 schedule-started',
    '12-31T18:30 start',
    '12-31T19:00 schedule-started',
    '12-31T19:00 start',
  ])
  clock.set(24 * HOUR)
  clock.advance(HOUR / 60)
  assert.deepEqual(done.slice(4), ['01-01T19:01 schedule-started', '01-01T19:01 start'])
  assert.equal(roster.of('job').nextRun, Date.UTC(2024, 0, 1, 19, 30))
  schedule.disarm()
  assert.equal(clock.pending, 0)
})

test('what still runs at its next time is left alone, or begun anew', () => {
  for (const [overlap, expected] of [
    ['skip', ['schedule-skipped']],
    ['restart', ['schedule-started', 'restart']],
  ] as const) {
    const { clock, schedule, done, roster } = scheduled({ cron: '0 * * * *', timezone: 'UTC', overlap })
    roster.of('job').spawned(1, 0)
    schedule.arm()
    clock.advance(HOUR)
    assert.deepEqual(
      done.map((one) => one.split(' ')[1]),
      expected,
    )
    schedule.disarm()
  }
})

const EACH_SECOND = { cron: '* * * * * *', timezone: undefined, overlap: 'skip' } as const
const YEARLY = { cron: '0 0 1 1 *', timezone: undefined, overlap: 'skip' } as const
const [YEARLY_JOB, YEARLY_INNER] = ['job', 'inner'].map((id) =>
  workerOf(id, 'true', [], { restart: 'temporary', schedule: YEARLY }),
) as [WorkerEntry, WorkerEntry]

fleetStory(
  'a scheduled worker runs again and again, alone and in a group, and no run is a restart',
  planOf([
    workerOf('job', 'echo', ['hello'], { restart: 'temporary', schedule: EACH_SECOND }),
    groupOf('app', [
      workerOf('a', 'cat'),
      workerOf('inner', 'sh', ['-c', 'exit 1'], {
        restart: 'temporary',
        schedule: { ...EACH_SECOND, overlap: 'restart' },
      }),
    ]),
  ]),
  async ({ fleet, until, seen }) => {
    await until('fleet-ready')
    for (const id of ['job', 'inner']) await until('exited', (event) => event.worker === id && event.incarnation === 2)
    for (const { restarts } of await fleet.workers()) assert.equal(restarts, 0)
    await fleet.act({ action: 'stop', targets: ['job', 'inner'] })
    assert.deepEqual(
      (await fleet.workers()).map(({ state, nextRun }) => [state, nextRun]),
      [
        ['exited', undefined],
        ['running', undefined],
        ['exited', undefined],
      ],
    )
    assert.ok(!seen.some(({ type }) => type === 'start-failed'))
  },
)

fleetStory(
  'between its times a worker is scheduled, and by hand it runs at once',
  planOf([YEARLY_JOB, groupOf('app', [YEARLY_INNER])]),
  async ({ fleet, until }) => {
    await until('fleet-ready')
    for (const { state, nextRun = 0 } of await fleet.workers())
      assert.deepEqual([state, nextRun > Date.now()], ['scheduled', true])
    for (const id of ['job', 'inner']) {
      const { results } = await fleet.act({ action: 'start', targets: [id] })
      assert.equal(results[0]?.ok, true)
      await until('exited', ({ worker }) => worker === id)
    }
    assert.deepEqual(fleet.status().states, { scheduled: 2 })
    await fleet.act({ action: 'stop', targets: ['all'] })
    assert.deepEqual(fleet.status().states, { exited: 2 })
    await fleet.act({ action: 'start', targets: ['app'] })
    assert.ok(((await fleet.workers())[1]?.nextRun ?? 0) > Date.now())
  },
)

fleetStory(
  'a schedule does not revive a group that has given up; somebody does, and then it runs again',
  planOf([
    groupOf(
      'g',
      [
        workerOf('crasher', 'sh', ['-c', 'read go; exit 1']),
        groupOf('s', [workerOf('job', 'true', [], { restart: 'temporary', schedule: EACH_SECOND })]),
      ],
      { intensity: { restarts: 0, within: 60_000 } },
    ),
  ]),
  async ({ fleet, until, next, seen }) => {
    await until('fleet-ready')
    const gaveUp = next('supervisor-exited', ({ supervisor }) => supervisor === 'g')
    await fleet.send('crasher', 'go')
    await gaveUp
    const before = seen.length
    for (const _ of [1, 2]) assert.equal((await next('schedule-skipped'))['why'], 'its group is down')
    assert.ok(!seen.slice(before).some(({ type }) => type === 'spawned' || type === 'schedule-started'))
    assert.equal(await stateOf(fleet, 'crasher'), 'failed')
    const ran = next('exited', ({ worker }) => worker === 'job')
    await fleet.act({ action: 'start', targets: ['g'] })
    await ran
    assert.equal(await stateOf(fleet, 'crasher'), 'running')
  },
)

fleetStory(
  'a scheduled worker that was stopped stays down until it is started, whatever is applied meanwhile',
  planOf([YEARLY_JOB, groupOf('app', [YEARLY_INNER])]),
  async ({ fleet, until, next }) => {
    await until('fleet-ready')
    const isScheduled = async (): Promise<boolean[]> =>
      (await fleet.workers()).flatMap(({ id, nextRun }) => (id === 'other' ? [] : [nextRun !== undefined]))
    await fleet.act({ action: 'stop', targets: ['job', 'inner'] })
    for (const more of [[workerOf('other', 'cat')], []]) {
      const ready = next('fleet-ready')
      await fleet.apply(planOf([YEARLY_JOB, groupOf('app', [YEARLY_INNER]), ...more]))
      await ready
      assert.deepEqual(await isScheduled(), [false, false])
    }
    await fleet.act({ action: 'start', targets: ['job', 'inner'] })
    assert.deepEqual(await isScheduled(), [true, true])
    const ready = next('fleet-ready')
    await fleet.act({ action: 'stop', targets: ['job', 'inner'] })
    // What changes is begun as what it is now.
    const args = ['again']
    await fleet.apply(planOf([{ ...YEARLY_JOB, args }, groupOf('app', [{ ...YEARLY_INNER, args }])]))
    await ready
    assert.deepEqual(await isScheduled(), [true, true])
  },
)

import { Cron } from 'croner'
import type { SchedulePlan } from '../fleet-plan.ts'
import type { Found, Place, Problems } from '../found/found.ts'
import { text, oneOf } from '../shapes/scalars.ts'
import { type Shape, forms, mapped } from '../shapes/shape.ts'
import { table } from '../shapes/table.ts'

const PATTERN = text('five or six fields such as "0 3 * * *"')

export const SCHEDULE_KEYS = {
  cron: { shape: PATTERN, about: 'Five fields, or six with seconds first; or @daily and the like.' },
  timezone: {
    shape: text('a time zone such as Europe/Berlin'),
    about: 'The time zone of these fields.',
    fallback: "the machine's",
  },
  overlap: {
    shape: oneOf('skip', 'restart'),
    about: 'What happens when it still runs at its next time.',
    fallback: 'skip',
  },
}

const MAP = table('a map with cron, timezone and overlap', SCHEDULE_KEYS)

/** When it runs: cron's fields, or a map. */
export const SCHEDULE: Shape<SchedulePlan> = forms({
  scalar: mapped(PATTERN, (cron, found, problems) =>
    check({ cron, timezone: undefined, overlap: 'skip' }, found.place, problems),
  ),
  map: mapped(MAP, (given, found, problems) => {
    const cron = given.get('cron')
    if (cron === undefined) return given.has('cron') ? undefined : missing(found, problems)
    const [timezone, overlap] = [given.get('timezone'), given.get('overlap') ?? 'skip']
    if (!isTimezone(timezone, given.at('timezone'), problems)) return undefined
    return check({ cron, timezone, overlap }, given.at('cron'), problems)
  }),
})

function missing(found: Found, problems: Problems): undefined {
  problems.add(found.place, 'cron is missing: five fields such as "0 3 * * *"')
}

function isTimezone(name: string | undefined, place: Place, problems: Problems): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch {
    problems.add(place, `there is no time zone ${JSON.stringify(name)}; expected a name such as Europe/Berlin`)
    return false
  }
}

function check(schedule: SchedulePlan, place: Place, problems: Problems): SchedulePlan | undefined {
  const fault = faultOf(schedule)
  if (fault === undefined) return schedule
  problems.add(place, `${JSON.stringify(schedule.cron)} is no schedule: ${fault}`)
  return undefined
}

function faultOf({ cron, timezone }: SchedulePlan): string | undefined {
  try {
    const job = new Cron(cron, { paused: true, mode: '5-or-6-parts', ...(timezone === undefined ? {} : { timezone }) })
    return job.nextRun() === null ? 'that time never comes' : undefined
  } catch (error) {
    return (error as Error).message.replace(/^CronPattern: /, '')
  }
}

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { describe } from 'node:test'
import { untilServed } from '../../src/cli/fleet/reach.ts'
import { type FleetClaim, claimFleet } from '../../src/control/state/claim.ts'
import { listFleets } from '../../src/control/state/find.ts'
import { type Workplace, atWork } from './workplace.ts'

const GAME = `
name: game
workers:
  echo: { command: [sh, -c, 'exec cat', $TOKEN] }
`
const STUBBORN = `
name: game
workers:
  deaf: { command: [sh, -c, 'trap "" TERM; while :; do sleep 1; done', $TOKEN], shutdown: { eof: 0s, grace: 10m } }
`
const FLOOD = `
name: game
workers:
  flood: { command: [awk, 'BEGIN { for (;;) { for (i = 0; i < 500; i++) printf "%099d\\n", i; fflush(); system("sleep 0.05") } }', $TOKEN] }
`

/** The name is taken, and nobody is served: as a fleet is in the moment of its start, and in that of its end. */
function claimed(place: Workplace): Promise<FleetClaim> {
  const file = join(place.folder, 'pagent.yaml')
  return claimFleet({ name: 'game', file, folder: place.folder }, { env: place.env })
}

/** The one of that name, or undefined. */
async function fleetIn(place: Workplace): Promise<{ pid: number; socketPath: string } | undefined> {
  return (await listFleets(place.env))[0]
}

describe('an up beside another', () => {
  for (const args of [['up', '-d'], ['up']]) {
    atWork(`pagent ${args.join(' ')} waits for one that has its name and is not served`, GAME, async (place) => {
      const claim = await claimed(place)
      const up = place.start(...args)
      await up.until('stderr', /fleet "game" is just starting, or ending \(pid \d+\); waiting for it/)
      await claim.release()
      await up.until('stderr', /fleet "game" is up \(pid|fleet "game" from /)
      assert.equal((await place.run('down')).code, 0)
      assert.equal((await up.ended).code, 0)
    })
  }

  atWork('of two at once one starts it, and the other finds it as it should be', GAME, async (place) => {
    const both = await Promise.all([place.run('up', '-d'), place.run('up', '-d')])
    const said = both.map(({ stderr }) => stderr).join('')
    assert.deepEqual(
      both.map(({ code }) => code),
      [0, 0],
      said,
    )
    assert.match(said, /fleet "game" is up \(pid \d+\)/)
    assert.match(said, /fleet "game" is up already; it is as its configuration says/)
    assert.match(await place.text('ps', 'echo'), /● running/)
  })

  atWork('waits for the end of one that is being stopped, and starts it anew', STUBBORN, async (place) => {
    await place.run('up', '--wait')
    const before = await fleetIn(place)
    const down = place.start('down')
    await down.until('stderr', /stopping fleet "game"/)
    while (!((await place.json('status')) as { isStopping: boolean }).isStopping) continue
    const up = place.start('up', '-d')
    await up.until('stderr', /fleet "game" is being stopped \(pid \d+\); waiting for it/)
    await place.run('down', '--timeout', '0s')
    assert.deepEqual([(await down.ended).code, (await up.ended).code], [0, 0])
    const after = await fleetIn(place)
    assert.ok(after !== undefined && after.pid !== before?.pid)
  })
})

describe('pagent down', () => {
  atWork('ends when the name is free, whoever does not read what he has asked for', FLOOD, async (place) => {
    await place.run('up', '--wait')
    const { socketPath = '' } = (await fleetIn(place)) ?? {}
    const unread = connect(socketPath)
    unread.on('error', () => {})
    await once(unread, 'connect')
    unread.write('GET /v1/logs?follow=true HTTP/1.1\r\nhost: pagent\r\n\r\n')
    await once(unread, 'readable')
    assert.equal((await place.run('down')).code, 0)
    assert.equal(await fleetIn(place), undefined)
    const { code, stderr } = await place.run('up', '-d')
    unread.destroy()
    assert.equal(code, 0, stderr)
    assert.match(await place.text('ps', 'flood'), /● running/)
  })
})

describe('a fleet that runs and is not served', () => {
  atWork('is told after a while, with what can be done', GAME, async (place) => {
    const claim = await claimed(place)
    Object.assign(process.env, place.env)
    const [fleet] = await listFleets()
    assert.ok(fleet !== undefined)
    await assert.rejects(untilServed(fleet, { patience: 0 }), {
      message: `fleet "game" runs (pid ${process.pid}), but nobody answers for it at ${fleet.socketPath}; see what becomes of it by pagent fleets, or end it by kill ${process.pid}`,
      exitCode: 5,
    })
    await claim.release()
    assert.equal(await untilServed(fleet, { patience: 0 }), false)
  })
})

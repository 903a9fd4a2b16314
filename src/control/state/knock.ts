import { connect } from 'node:net'

/** What the system allows for the path of a socket, in bytes. */
export const LONGEST_SOCKET_PATH = process.platform === 'linux' ? 107 : 103

/** Of a path: `left` is a socket that nobody listens to any more; `unknown` may be anything. */
export type Knock = 'served' | 'left' | 'absent' | 'unknown'

const MEANINGS: Readonly<Record<string, Knock>> = {
  ECONNREFUSED: 'left',
  ENOENT: 'absent',
  EAGAIN: 'served',
  EACCES: 'served',
  EPERM: 'served',
}

/** Whether somebody listens at a path. */
export function isServed(socketPath: string): Promise<Knock> {
  return new Promise((resolve) => {
    const socket = connect(socketPath)
    socket.once('connect', () => {
      socket.destroy()
      resolve('served')
    })
    socket.once('error', ({ code = '' }: NodeJS.ErrnoException) => resolve(MEANINGS[code] ?? 'unknown'))
  })
}

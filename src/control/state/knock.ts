import { connect } from 'node:net'

/** Whether somebody listens at a path: `left` is a socket that nobody listens to any more. */
export function isServed(socketPath: string): Promise<'served' | 'left' | 'absent'> {
  return new Promise((resolve) => {
    const socket = connect(socketPath)
    socket.once('connect', () => {
      socket.destroy()
      resolve('served')
    })
    socket.once('error', ({ code }: NodeJS.ErrnoException) => {
      if (code === 'ECONNREFUSED') resolve('left')
      else resolve(code === 'EAGAIN' || code === 'EACCES' || code === 'EPERM' ? 'served' : 'absent')
    })
  })
}

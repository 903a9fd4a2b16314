import { spawn } from 'node:child_process'
import { forkServerPath, hasForkServer } from '../fork-server/binary.ts'

/** Whoever keeps this process as a service, and wants to hear how it is: systemd. */
export interface ServiceManager {
  /** A line of sd_notify(3), such as `READY=1`. */
  tell(line: string): void
  /** Nothing more is said. */
  close(): void
}

/** Whether it can be told anything on this machine. */
export function canNotify(): boolean {
  return hasForkServer()
}

/**
 * The service manager at the other end of `socket`, which is the value of `NOTIFY_SOCKET`.
 *
 * Node has no datagram sockets in the UNIX domain: the program beside it carries the lines, for as long as this process
 * lives. A master that stands still says nothing, so the watchdog of the service bites.
 */
export function serviceManagerAt(socket: string): ServiceManager {
  const carrier = spawn(forkServerPath(), ['notify'], {
    env: { NOTIFY_SOCKET: socket },
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  // Whoever cannot be told goes without.
  carrier.on('error', () => {})
  carrier.stdin.on('error', () => {})
  carrier.unref()
  return {
    tell: (line) => void carrier.stdin.write(`${line}\n`),
    close: () => carrier.stdin.end(),
  }
}

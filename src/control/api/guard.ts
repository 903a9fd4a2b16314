import { ControlError } from '../../base/errors.ts'

/** Who may ask. */
export interface GuardOptions {
  /** Names that the `Host` header may have, without a port. */
  readonly hosts: ReadonlySet<string>
  readonly isReadOnly: boolean
}

/** Of the socket: a browser that was led astray (DNS rebinding) comes with another. */
export const LOCAL_HOSTS: ReadonlySet<string> = new Set(['localhost', 'pagent'])

/** @throws ControlError 403 for who was led here by somebody else, and for who wants a change where nothing may be changed. */
export function checkRequest({ headers, method }: Request, { hosts, isReadOnly }: GuardOptions): void {
  const host = headers.get('host') ?? ''
  const allowed = [...hosts].join(' or ')
  if (!hosts.has(nameOf(host)))
    throw refused('ERR_PAGENT_BAD_REQUEST', `The Host header is ${JSON.stringify(host)}: expected ${allowed}`)
  const origin = headers.get('origin')
  if (origin !== null && !hosts.has(nameOf(origin.replace(/^https?:\/\//, ''))))
    throw refused('ERR_PAGENT_BAD_REQUEST', `The Origin header is ${JSON.stringify(origin)}: expected ${allowed}`)
  if (isReadOnly && method !== 'GET' && method !== 'HEAD')
    throw refused('ERR_PAGENT_READ_ONLY', 'This fleet is served read-only: nothing can be changed from here')
}

function nameOf(host: string): string {
  return host.toLowerCase().replace(/:\d+$/, '')
}

function refused(code: `ERR_PAGENT_${string}`, message: string): ControlError {
  return new ControlError(code, message, { status: 403 })
}

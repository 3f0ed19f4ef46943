import { AtpError } from '@atp/core'

/** The part of a request that says where it comes from. */
interface RequestOrigin {
  host: string | undefined
  origin: string | undefined
}

/**
 * Rule T7: keeps web pages out. A browser sends `Origin` with every socket and POST, so one that is not allowed is
 * refused; on a loopback bind the `Host` must be loopback too, or a page could reach us through a name of its own
 * (DNS rebinding).
 * @throws AtpError `invalid_config` for an allowed origin that no browser could ever send
 */
export function createOriginGuard(options: {
  allowedOrigins: readonly string[]
  /** Whether the server listens on a loopback address only. */
  loopback: boolean
}): (request: RequestOrigin) => void {
  for (const allowed of options.allowedOrigins) checkAllowedOrigin(allowed)
  return ({ host, origin }) => {
    if (options.loopback && !isLoopbackHost(host)) {
      throw new AtpError('forbidden', `Host "${printable(host)}" is not served here; use 127.0.0.1 or localhost`)
    }
    if (origin !== undefined && !options.allowedOrigins.includes(origin)) {
      throw new AtpError(
        'forbidden',
        `Requests from web pages of "${printable(origin)}" are not allowed; the operator can allow the origin`,
      )
    }
  }
}

/** Origins are compared as texts, so one that is written in another way would allow nothing, silently. */
function checkAllowedOrigin(allowed: string): void {
  const origin = URL.parse(allowed)?.origin
  if (origin === allowed) return
  const written = origin === undefined || origin === 'null' ? 'like https://app.example' : `as "${origin}"`
  throw new AtpError('invalid_config', `The allowed origin "${printable(allowed)}" must be written ${written}`)
}

/** Whether a bind address or a `Host` header's name is this machine only. */
export function isLoopbackName(name: string): boolean {
  return name === 'localhost' || name === '::1' || name === '[::1]' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name)
}

function isLoopbackHost(host: string | undefined): boolean {
  return host !== undefined && isLoopbackName(host.replace(/:\d{1,5}$/, '').toLowerCase())
}

function printable(text: string | undefined): string {
  return (text ?? '').replace(/[^\x20-\x7e]/g, '?').slice(0, 100)
}

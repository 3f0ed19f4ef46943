import { AtpError } from '@atp/core'

/** The name under which this machine reaches an address that a server listens on, as it stands in a URL. */
export function urlHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}

/** What an address that cannot be listened on means for whoever chose it; anything else is given back as it is. */
export function listenError(error: unknown, host: string, port: number): unknown {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'EADDRINUSE') {
    return new AtpError(
      'port_in_use',
      `Port ${port} on ${host} is in use; stop what uses it or choose another one with --port (or PORT)`,
    )
  }
  if (code === 'EACCES' || code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return new AtpError('invalid_config', `Cannot listen on ${host}:${port}: ${message}`, { cause: error })
  }
  return error
}

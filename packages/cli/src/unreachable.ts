import { AtpError } from '@atp/core'

/** Adds to a failed attempt to connect what the user can do about it. `attempt` names the address and the reason. */
export function unreachable(attempt: string, cause: unknown): AtpError {
  return new AtpError(
    'connection_failed',
    `${attempt}. Start a server with "npm start" or "atp server --dev", ` +
      'or give the address of another with --base-url or ATP_BASE_URL',
    { cause },
  )
}

import { type ApiKeyAuth, type Auth, type BasicAuth, type OAuth2UserAuth, UtcpError } from '@atp/utcp'
import type { BuiltRequest } from '../request/build-request.ts'
import { withQuery } from '../request/query-pairs.ts'
import { base64 } from './base64.ts'

/**
 * Adds the credentials that need no request of their own. A key is sent as it is written: nothing puts `Bearer ` before
 * it. Returns what was added, for keeping it out of messages.
 * @throws UtcpError `invalid_call_template` for credentials that cannot be sent, `unsupported` for unknown types
 */
export function applyAuth(request: BuiltRequest, auth: Auth): readonly string[] {
  switch (auth.auth_type) {
    case 'api_key':
      return applyKey(request, auth as ApiKeyAuth)
    case 'basic': {
      const { username, password } = auth as BasicAuth
      // RFC 7617, 2: the first colon ends the name.
      if (username.includes(':')) throw wrong('auth.username', 'must not have a colon')
      const credentials = base64(`${username}:${password}`)
      request.headers.set('Authorization', `Basic ${credentials}`, 'invalid_call_template')
      return [credentials, password]
    }
    case 'oauth2_user': {
      const { access_token: token, var_name: name = 'Authorization', prefix = 'Bearer ' } = auth as OAuth2UserAuth
      if (token === '') throw wrong('auth.access_token', 'is empty')
      request.headers.set(name, `${prefix}${token}`, 'invalid_call_template')
      return [token]
    }
    default:
      throw new UtcpError(
        'unsupported',
        `This protocol does not know the auth_type "${auth.auth_type.slice(0, 100)}"`,
        {
          path: 'auth.auth_type',
        },
      )
  }
}

function applyKey(request: BuiltRequest, auth: ApiKeyAuth): readonly string[] {
  const { api_key: key, var_name: name = 'X-Api-Key', location = 'header' } = auth
  if (key === '') throw wrong('auth.api_key', 'is empty')
  if (location === 'query') request.url = withQuery(request.url, [[name, key]])
  else if (location === 'cookie') addCookie(request, name, key)
  else request.headers.set(name, key, 'invalid_call_template')
  const bare = /^\S+ +(\S+)$/.exec(key)?.[1]
  return bare === undefined ? [key, encodeURIComponent(key)] : [key, bare]
}

/** RFC 6265, 4.2.1. */
function addCookie({ headers }: BuiltRequest, name: string, value: string): void {
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) throw wrong('auth.var_name', 'is not the name of a cookie')
  if (/[;\s]/.test(value)) throw wrong('auth.api_key', 'has characters that cookies cannot carry')
  const others = headers.get('cookie')
  headers.set('Cookie', `${others === undefined ? '' : `${others}; `}${name}=${value}`, 'invalid_call_template')
}

function wrong(path: string, problem: string): UtcpError {
  return new UtcpError('invalid_call_template', `${path} ${problem}`, { path })
}

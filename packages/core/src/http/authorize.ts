import { AtpError, isAtpError } from '../errors/atp-error.ts'
import { errorText } from '../errors/to-wire-error.ts'
import type { Toolkit } from '../registry/toolkit.ts'
import type { Principal, Tool } from '../tool/tool.ts'
import { equalTexts } from './equal-texts.ts'
import type { AtpRequest } from './http-messages.ts'
import type { Authorize, Mount } from './http-options.ts'

/**
 * Decides whether a request may run a tool; returns who calls where the app said so. Runs before the body is read.
 * @throws AtpError `unauthorized`, or what the app's function throws
 */
export function authorizeCall<Native>(
  mount: Mount<Native>,
  request: AtpRequest<Native>,
  toolkit: Toolkit,
  tool: Tool,
): Principal | undefined | Promise<Principal | undefined> {
  const { authorize } = mount
  if (authorize === 'public' || authorize === 'host') return undefined
  if (typeof authorize === 'function') return askApp(authorize, request, tool)
  const key = toolkit.settings.apiKey
  checkKey(request, authorize?.keys ?? (key === undefined ? [] : [key]), toolkit)
  return undefined
}

/**
 * Decides whether a signed call of a server may go on to the check of its signature, which stands for a key; the app's
 * own function is asked beside it.
 * @throws AtpError `unauthorized`, or what the app's function throws
 */
export function authorizeSignedCall<Native>(
  { authorize }: Mount<Native>,
  request: AtpRequest<Native>,
  tool: Tool,
): Promise<Principal | undefined> {
  return typeof authorize === 'function' ? askApp(authorize, request, tool) : Promise.resolve(undefined)
}

/**
 * Metadata is open unless the app's own function says otherwise.
 * @throws AtpError `unauthorized`, or what the app's function throws
 */
export async function authorizeReading<Native>(
  mount: Mount<Native>,
  request: AtpRequest<Native>,
  tool: Tool | undefined,
): Promise<void> {
  if (typeof mount.authorize === 'function') await askApp(mount.authorize, request, tool)
}

async function askApp<Native>(
  authorize: Extract<Authorize<Native>, (...args: never[]) => unknown>,
  request: AtpRequest<Native>,
  tool: Tool | undefined,
): Promise<Principal | undefined> {
  let verdict: boolean | Principal
  try {
    verdict = await authorize(request, tool)
  } catch (error) {
    if (isAtpError(error)) throw error
    // The app's guard failed: nobody gets in, and the app's author hears of it.
    throw new Error(`authorize failed: ${errorText(error)}`, { cause: error })
  }
  if (verdict === true) return undefined
  if (typeof verdict === 'object' && verdict !== null && typeof verdict.id === 'string') return verdict
  throw new AtpError('unauthorized', 'You may not do this')
}

function checkKey(request: AtpRequest, keys: readonly string[], toolkit: Toolkit): void {
  if (keys.length === 0) {
    throw new AtpError(
      'unauthorized',
      `Toolkit "${toolkit.appName}" is closed: give it an apiKey, or set the option "authorize" where it is mounted`,
    )
  }
  const given = /^Bearer +(\S+) *$/i.exec(request.header('authorization') ?? '')?.[1]
  if (given === undefined) {
    throw new AtpError('unauthorized', 'Running a tool needs a key: send "Authorization: Bearer KEY"')
  }
  let matches = false
  // Every key is looked at, so that the time tells nothing of which one is near.
  for (const key of keys) matches = equalTexts(given, key) || matches
  if (!matches) throw new AtpError('unauthorized', 'The key is not valid')
}

import { AtpError, isAtpError } from '@atp/core'
import type { MessageBus } from '../bus/message-bus.ts'
import { checkEndpointUrl } from '../delivery/endpoint-url.ts'
import type { Store, StoredToolkit } from '../store/store.ts'

/** What setting an endpoint needs. */
export interface EndpointOptions {
  store: Pick<Store, 'toolkits'>
  bus: MessageBus
  /** Whether endpoints of this machine may be set, without TLS too. @default false */
  dev?: boolean | undefined
}

/**
 * Sets where the calls of a toolkit are posted to, or with null takes it away; nothing happens where that is so already.
 * Returns the toolkit as it is now, or undefined when it is gone.
 * @throws AtpError `invalid_request`
 */
export async function setEndpoint(
  { store, bus, dev = false }: EndpointOptions,
  { projectId, id }: Pick<StoredToolkit, 'projectId' | 'id'>,
  url: string | null,
): Promise<StoredToolkit | undefined> {
  if (url !== null) checkEndpointUrl(url, dev)
  const stored = await store.toolkits.find(projectId, id)
  if (stored === undefined || stored.endpointUrl === url) return stored
  const changed = await store.toolkits.setEndpoint(projectId, id, url, Date.now())
  await bus.publish('toolkit.changed', { toolkitId: id })
  return changed
}

/**
 * The same for a URL that the toolkit itself names.
 * @throws AtpError `registration_rejected`, which it does not try again
 */
export async function registerEndpoint(
  options: EndpointOptions,
  toolkit: Pick<StoredToolkit, 'projectId' | 'id'>,
  url: string | null,
): Promise<void> {
  try {
    await setEndpoint(options, toolkit, url)
  } catch (error) {
    if (!isAtpError(error) || error.code !== 'invalid_request') throw error
    throw new AtpError('registration_rejected', error.message, { cause: error })
  }
}

import { AtpError } from '@atp/core'
import type { Store, StoredKey, StoredToolkit } from '../store/store.ts'

/**
 * The toolkit a key stands for; a key without one is bound to the name its client gives first.
 * @param appName what the client calls itself, undefined when it does not say
 * @throws AtpError `toolkit_name_conflict`, `toolkit_not_found`, or `invalid_request` for an unbound key without a name
 */
export async function toolkitOfKey(store: Store, key: StoredKey, appName: string | undefined): Promise<StoredToolkit> {
  const { projectId } = key
  let toolkitId = key.toolkitId
  if (toolkitId === null) {
    if (appName === undefined) {
      throw new AtpError('invalid_request', 'This key stands for no toolkit yet: say app_name in hello')
    }
    const named = await store.toolkits.ensure(projectId, appName, Date.now())
    toolkitId = await store.keys.bindToolkit(key.id, named.id)
  }
  const toolkit = await store.toolkits.find(projectId, toolkitId)
  if (!toolkit) throw new AtpError('toolkit_not_found', 'The toolkit this key stands for is gone')
  if (appName !== undefined && appName !== toolkit.appName) {
    throw new AtpError(
      'toolkit_name_conflict',
      `This key stands for toolkit "${toolkit.appName}", not for "${appName}"; ` +
        `create another one with: atp keys create --kind toolkit --name "${appName}"`,
    )
  }
  return toolkit
}

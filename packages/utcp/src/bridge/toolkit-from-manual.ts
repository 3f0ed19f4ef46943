import { Toolkit, type ToolkitOptions } from '@atp/core'
import type { UtcpClient } from '../client/utcp-client.ts'
import { ManualBridge, type ManualBridgeOptions } from './manual-bridge.ts'

/** How a toolkit is made of a manual. */
export interface ToolkitFromManualOptions extends ManualBridgeOptions, Omit<ToolkitOptions, 'appName'> {
  /** @default the manual's name */
  readonly appName?: string
}

/**
 * Makes a toolkit of a manual that a client has registered: its tools run through the client, with its variables,
 * retries and limits, and every adapter of ATP can serve them. A tool `weather.cities.find` is `cities--find` in the
 * toolkit `weather`. What refreshes of the manual find, the toolkit follows as long as the client lives; tools that ATP
 * cannot have (such as one with a parameter `api_key`) are left out with a warning in the log. For a toolkit of your own,
 * such as a `ToolKitClient` that connects to a server, and for what was left out, see {@link ManualBridge}.
 * @throws UtcpError `manual_not_found`
 * @throws AtpError for options that no toolkit takes
 */
export async function toolkitFromManual(
  client: UtcpClient,
  manualName: string,
  options: ToolkitFromManualOptions = {},
): Promise<Toolkit> {
  const { timeoutMs, ...toolkitOptions } = options
  const toolkit = new Toolkit({ ...toolkitOptions, appName: options.appName ?? manualName })
  await ManualBridge.open(client, manualName, toolkit, timeoutMs === undefined ? {} : { timeoutMs })
  return toolkit
}

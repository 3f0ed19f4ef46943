import { AtpError } from '../errors/atp-error.ts'
import { requiredParamsOf, type ToolDescriptor } from '../protocol/tool-descriptor.ts'

/**
 * What can be said of a call from the tool's description alone, in the founding words. Run where the tool runs, and
 * before that by a server, which spares the way.
 * @throws AtpError `missing_params` or `missing_token`
 */
export function checkCall(tool: ToolDescriptor, args: Record<string, unknown>, authToken: string | undefined): void {
  const required = requiredParamsOf(tool)
  // Object.hasOwn: a parameter may be called "constructor".
  const missing = required.filter((name) => !Object.hasOwn(args, name))
  if (missing.length > 0) {
    throw new AtpError('missing_params', `Missing required parameters: ${missing.join(', ')}`, {
      details: { missing },
    })
  }
  if (tool.auth !== null && !authToken) {
    throw new AtpError('missing_token', `Function '${tool.name}' requires 'auth_token', but none was provided.`, {
      details: { provider: tool.auth.provider },
    })
  }
}

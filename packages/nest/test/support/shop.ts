import { Toolkit, type ToolkitOptions } from '@atp/core'

/** A toolkit with one tool that answers its arguments, and who asked. */
export function createShop(options: Partial<ToolkitOptions> = {}): Toolkit {
  const toolkit = new Toolkit({ appName: 'shop', ...options })
  toolkit.registerTool(
    { name: 'echo', description: 'Answers its arguments', params: ['text'] },
    (args, { callId, env, principal }) => ({ args, callId, env: env ?? null, principal: principal ?? null }),
  )
  return toolkit
}

import { toWireTool } from '../protocol/tool-descriptor.ts'
import type { Toolkit } from '../registry/toolkit.ts'
import type { ToolkitRegistry } from '../registry/toolkit-registry.ts'
import type { Tool } from '../tool/tool.ts'
import { reachableToolkits } from './routes.ts'

/** What `GET /atp/` tells. */
export function describeToolkits(registry: ToolkitRegistry): { toolkits: { toolkit: string; app_name: string }[] } {
  return {
    toolkits: Array.from(reachableToolkits(registry), ([name, toolkit]) => ({
      toolkit: name,
      app_name: toolkit.appName,
    })),
  }
}

/** What `GET /atp/:toolkit/` tells. */
export function describeToolkit(name: string, toolkit: Toolkit): Record<string, unknown> {
  return {
    toolkit: name,
    app_name: toolkit.appName,
    tools: Array.from(toolkit.registeredTools.values(), describeTool),
  }
}

/** What `GET /atp/:toolkit/:tool/` tells: the founding members, and the schemas. */
export function describeTool(tool: Tool): Record<string, unknown> {
  const wire = toWireTool(tool)
  return {
    function: wire.name,
    params: wire.params,
    required_params: wire.required_params,
    description: wire.description,
    auth_provider: wire.auth_provider,
    auth_type: wire.auth_type,
    auth_with: wire.auth_with,
    input_schema: wire.input_schema,
    output_schema: wire.output_schema ?? null,
    annotations: wire.annotations,
  }
}

import type { ToolkitContext } from '@atp/core'
import { providerFormat } from '@atp/core/protocol'
import { toolkitNotFound } from './call-request.ts'
import type { ToolNames } from './tool-names.ts'
import type { ToolkitDirectory } from './toolkit-directory.ts'

/** Describes toolkits to LLM clients. */
export interface ContextService {
  /** @throws AtpError `toolkit_not_found` or `unknown_provider` */
  get(projectId: string, request: { toolkitId: string; provider: string; userPrompt: string }): Promise<ToolkitContext>
}

/** Makes the service on the directory's toolkits. */
export function createContextService(directory: ToolkitDirectory, toolNames: ToolNames): ContextService {
  return {
    async get(projectId, { toolkitId, provider, userPrompt }) {
      // An unknown provider is the caller's mistake, whatever the toolkit.
      const format = providerFormat(provider)
      const entry = await directory.resolve(projectId, toolkitId)
      if (!entry) throw toolkitNotFound(toolkitId)
      const { toolkit } = entry
      const { tools, warnings, originalNames } = toolNames.format(entry, format.name)
      const shownNames = new Map([...originalNames].map(([shown, original]) => [original, shown]))
      return {
        toolkitId: toolkit.id,
        toolkitName: toolkit.appName,
        caption: toolkit.caption,
        ...(toolkit.instructions === null ? {} : { instructions: toolkit.instructions }),
        provider: format.name,
        tools,
        userPrompt,
        warnings,
        annotations: [...entry.tools.values()]
          .filter((tool) => Object.keys(tool.annotations).length > 0)
          .map((tool) => ({ tool: shownNames.get(tool.name) ?? tool.name, ...tool.annotations })),
      }
    },
  }
}

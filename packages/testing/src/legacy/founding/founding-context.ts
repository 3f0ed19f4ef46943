import type { FoundingState, FoundingTool } from './founding-state.ts'

/** The payload of a `toolkit_context`, and whether the toolkit is known. */
export function contextPayload(
  state: FoundingState,
  message: Record<string, unknown>,
): { known: boolean; payload: Record<string, unknown> } {
  const toolkit = state.findToolkit(message.toolkit_id)
  if (toolkit === undefined) {
    return { known: false, payload: { error: `There is no toolkit '${String(message.toolkit_id)}'`, tools: [] } }
  }
  const shape = shapes[String(message.provider ?? 'openai').toLowerCase()] ?? openai
  const payload = {
    toolkit_id: toolkit.id,
    toolkit_name: toolkit.appName,
    caption: `Tools of ${toolkit.appName}`,
    provider: message.provider,
    tools: [...toolkit.tools.values()].map(shape),
    user_prompt: message.user_prompt ?? '',
    // The releases that name no provider need a text here.
    ...(message.provider === undefined ? { context: `You may use the tools of ${toolkit.appName}.` } : {}),
  }
  return { known: true, payload }
}

const openai = (tool: FoundingTool): object => ({ type: 'function', ...named(tool), parameters: schemaOf(tool) })
const mistralai = (tool: FoundingTool): object => ({
  type: 'function',
  function: { ...named(tool), parameters: schemaOf(tool) },
})
const shapes: Record<string, (tool: FoundingTool) => object> = {
  openai,
  anthropic: (tool) => ({ ...named(tool), input_schema: schemaOf(tool) }),
  mistral: mistralai,
  mistralai,
}

const named = ({ name, description }: FoundingTool): object => ({ name, description })

function schemaOf({ params, requiredParams }: FoundingTool): object {
  const shown = params.filter((name) => name !== 'auth_token')
  const properties = Object.fromEntries(shown.map((name) => [name, { type: 'string', description: name }]))
  return { type: 'object', properties, required: requiredParams.filter((name) => name !== 'auth_token') }
}

import { isJsonObject } from '@atp/core/protocol'
import { type CallTemplate, isUtcpError, parseText, type TextFormat, UtcpError, UtcpValidationError } from '@atp/utcp'

/** What a converter gets beside an OpenAPI document. */
export interface OpenApiContext {
  /**
   * The manual's template, variables not filled in: `base_url`, `auth_tools` and what else goes into tools comes from
   * here.
   */
  readonly template: CallTemplate
  readonly signal: AbortSignal
}

/** Makes a manual, as JSON, of an OpenAPI document. One for `@atp/utcp-http` that does without a `url` fits here, too. */
export type OpenApiConverter = (document: Readonly<Record<string, unknown>>, context: OpenApiContext) => unknown

/**
 * Reads the text of a manual: a manual of any version, a list of tools, or an OpenAPI document where there is a converter.
 * Returns parsed JSON that is not checked further.
 * @param format without one, JSON is tried, then YAML
 * @throws UtcpError `invalid_manual`, `unsupported`
 */
export async function readManualText(
  text: string,
  format: TextFormat | undefined,
  openApi: OpenApiConverter | undefined,
  context: OpenApiContext,
): Promise<unknown> {
  const value = format === undefined ? parseEither(text) : parseText(text, format, 'invalid_manual')
  if (Array.isArray(value)) return { tools: toolsOf(value) }
  if (!isOpenApi(value)) return value
  if (openApi !== undefined) return openApi(value, context)
  throw new UtcpError(
    'unsupported',
    'This is an OpenAPI document, not a manual: pass a converter as the option "openApi" to use its operations',
  )
}

function parseEither(text: string): unknown {
  try {
    return parseText(text, 'json', 'invalid_manual')
  } catch (jsonError) {
    try {
      return parseText(text, 'yaml', 'invalid_manual')
    } catch (yamlError) {
      // What looks like JSON was meant to be JSON.
      throw isUtcpError(jsonError) && /^\s*[[{]/.test(text) ? jsonError : yamlError
    }
  }
}

function isOpenApi(value: unknown): value is Readonly<Record<string, unknown>> {
  if (!isJsonObject(value) || 'tools' in value) return false
  return 'openapi' in value || 'swagger' in value || 'paths' in value
}

/** Lists of call templates look alike, and would make a manual without a single tool. */
function toolsOf(list: readonly unknown[]): readonly unknown[] {
  const isTemplate = (item: unknown): boolean =>
    isJsonObject(item) && ('call_template_type' in item || 'provider_type' in item)
  if (list.length === 0 || !list.every(isTemplate)) return list
  throw new UtcpValidationError(
    'invalid_manual',
    'tools',
    'this is a list of call templates, not of tools: it belongs into "manual_call_templates" of a configuration',
  )
}

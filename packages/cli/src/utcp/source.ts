import { readFile } from 'node:fs/promises'
import { basename, dirname, extname, resolve } from 'node:path'
import { isJsonObject } from '@atp/core/protocol'
import { type CallTemplate, parseText, type UtcpClientConfig, UtcpError } from '@atp/utcp'
import { baseFolder, type Place } from '../settings.ts'

/** What `MANUAL` and `--config` come to. */
export interface UtcpSource {
  readonly config: UtcpClientConfig
  /** The folder that no file of a manual may leave. */
  readonly rootDir: string
  /** The manual's name, where `MANUAL` is one and not a configuration with several. */
  readonly manualName: string | undefined
}

/** The flags that say what to open. */
export interface SourceFlags {
  readonly config?: string
  readonly name?: string
  readonly var?: readonly (readonly [name: string, value: string])[]
}

/** A file of UTCP. */
export interface UtcpDocument {
  readonly path: string
  readonly kind: 'manual' | 'config'
  readonly value: unknown
}

/** Protocols that manuals of files and from the network may use here. */
const overHttp = ['http', 'sse', 'streamable_http']

/**
 * Finds out what the user means: a manual at a URL, a manual in a file, or a configuration in one.
 * @throws UtcpError `invalid_config` or `invalid_manual`
 */
export async function openSource(manual: string, flags: SourceFlags, place: Place): Promise<UtcpSource> {
  const folder = baseFolder(place)
  const extra = flags.config === undefined ? {} : ((await readConfigFile(flags.config, place)) as UtcpClientConfig)
  if (isUrl(manual)) {
    const template = { call_template_type: 'http', url: manual, allowed_communication_protocols: overHttp }
    return withManual(extra, { ...template, name: nameOf(flags.name ?? new URL(manual).hostname) }, folder, flags)
  }
  const document = await readDocument(manual, place)
  if (document.kind === 'manual') {
    const template = {
      ...{ call_template_type: 'file', file_path: basename(document.path) },
      allowed_communication_protocols: [...overHttp, 'text', 'file'],
    }
    const name = flags.name ?? basename(document.path, extname(document.path))
    return withManual(extra, { ...template, name: nameOf(name) }, dirname(document.path), flags)
  }
  const config = { ...extra, ...(document.value as UtcpClientConfig) }
  return { config: withVariables(config, flags.var ?? [], undefined), rootDir: folder, manualName: undefined }
}

/**
 * Reads a file of JSON, JSON with comments, or YAML.
 * @throws UtcpError `invalid_config` when it is neither a manual nor a configuration
 */
export async function readDocument(path: string, place: Place): Promise<UtcpDocument> {
  const file = resolve(baseFolder(place), path)
  const value = await readFileOf(file, path)
  if (Array.isArray(value) || (isJsonObject(value) && 'tools' in value)) return { path: file, kind: 'manual', value }
  if (isJsonObject(value) && configMembers.some((member) => member in value)) {
    return { path: file, kind: 'config', value: await withProviders(value, place) }
  }
  if (isJsonObject(value) && ('openapi' in value || 'swagger' in value || 'paths' in value)) {
    throw new UtcpError('unsupported', `${path} is an OpenAPI document; only manuals of UTCP can be read`)
  }
  throw new UtcpError(
    'invalid_config',
    `${path} is neither a manual (it has no "tools") nor a configuration (it has none of ${configMembers.slice(0, 3).join(', ')}, …)`,
  )
}

/**
 * Reads a file of JSON, JSON with comments, or YAML, whatever it holds.
 * @throws UtcpError `invalid_config`
 */
export function readPlainDocument(path: string, place: Place): Promise<unknown> {
  return readFileOf(resolve(baseFolder(place), path), path)
}

/** The start of the full names of a manual's variables. */
function variablePrefix(manualName: string): string {
  return `${manualName.replaceAll('_', '__')}_`
}

export function isUrl(text: string): boolean {
  return /^https?:\/\//i.test(text)
}

const configMembers = [
  ...['manual_call_templates', 'variables', 'load_variables_from', 'tool_repository', 'tool_search_strategy'],
  ...['post_processing', 'providers_file_path'],
]

async function readConfigFile(path: string, place: Place): Promise<unknown> {
  const { kind, value } = await readDocument(path, place)
  if (kind === 'config') return value
  throw new UtcpError('invalid_config', `--config ${path} is a manual: give it as MANUAL`)
}

async function readFileOf(file: string, shown: string): Promise<unknown> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    throw new UtcpError('invalid_config', `${shown} cannot be read: ${(error as Error).message}`, { cause: error })
  }
  return parseText(text, /\.ya?ml$/i.test(file) ? 'yaml' : undefined)
}

/** UTCP 0.x kept its list of providers in a file of its own. */
async function withProviders(config: Readonly<Record<string, unknown>>, place: Place): Promise<unknown> {
  const { providers_file_path: path, ...rest } = config
  if (typeof path !== 'string') return config
  const read = await readFileOf(resolve(baseFolder(place), path), path)
  const list = isJsonObject(read) ? read.providers : read
  if (!Array.isArray(list)) throw new UtcpError('invalid_config', `${path} must hold a list of providers`)
  return { ...rest, manual_call_templates: [...((rest.manual_call_templates as unknown[]) ?? []), ...list] }
}

function withManual(config: UtcpClientConfig, template: CallTemplate, rootDir: string, flags: SourceFlags): UtcpSource {
  const { name = '' } = template
  const withTemplate = { ...config, manual_call_templates: [...(config.manual_call_templates ?? []), template] }
  return { config: withVariables(withTemplate, flags.var ?? [], name), rootDir, manualName: name }
}

/** With one manual there is no doubt whose variable is meant, so that the short name is enough. */
function withVariables(
  config: UtcpClientConfig,
  given: readonly (readonly [name: string, value: string])[],
  manualName: string | undefined,
): UtcpClientConfig {
  const variables: Record<string, string> = { ...config.variables }
  for (const [name, value] of given) {
    // Values may name variables themselves; what the user typed is meant as it is.
    const literal = value.replaceAll('$', '$$$$')
    variables[name] = literal
    if (manualName !== undefined) variables[variablePrefix(manualName) + name] = literal
  }
  return { ...config, variables }
}

/** As the client does, but here, because the name is shown and variables are named by it. */
function nameOf(text: string): string {
  return text.replace(/[^A-Za-z0-9_]/g, '_')
}

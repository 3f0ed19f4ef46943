import { UtcpError, UtcpValidationError } from '../errors/utcp-error.ts'
import { copyJson, isObject } from '../model/copy-json.ts'
import { joinPath } from '../model/json-path.ts'
import type { CallTemplate, UtcpWarning } from '../model/models.ts'
import type { TemplateReader } from '../model/template-reader.ts'
import { postProcessorTypes } from '../processing/post-processor-types.ts'
import type { ToolPostProcessor } from '../processing/tool-post-processor.ts'
import { InMemToolRepository } from '../repository/in-memory-repository.ts'
import type { ConcurrentToolRepository } from '../repository/tool-repository.ts'
import { searchStrategyTypes } from '../search/search-strategy-types.ts'
import type { ToolSearchStrategy } from '../search/tool-search-strategy.ts'
import type { VariableLoader } from '../variables/variable-substitutor.ts'
import { createPlugin, type PluginContext, type PluginType } from './plugin-type.ts'

/** The plugins that one client knows beside those of this package. */
export interface PluginTypes {
  readonly variableLoaders?: readonly PluginType<VariableLoader>[]
  readonly toolRepositories?: readonly PluginType<ConcurrentToolRepository>[]
  readonly toolSearchStrategies?: readonly PluginType<ToolSearchStrategy>[]
  readonly toolPostProcessors?: readonly PluginType<ToolPostProcessor>[]
}

/** A configuration, read and made. */
export interface ReadConfig {
  readonly variables: Readonly<Record<string, string>>
  readonly loaders: readonly VariableLoader[]
  readonly repository: ConcurrentToolRepository
  /** Whether the repository was made here, so that the client closes it. */
  readonly ownsRepository: boolean
  readonly searchStrategy: ToolSearchStrategy
  readonly postProcessors: readonly ToolPostProcessor[]
  readonly manualCallTemplates: readonly CallTemplate[]
  readonly warnings: readonly UtcpWarning[]
}

const inMemory: PluginType<ConcurrentToolRepository> = { type: 'in_memory', create: () => new InMemToolRepository() }

/**
 * Reads a configuration and makes its parts.
 * @throws UtcpError `invalid_config`, `unknown_type` and others; `path` names the member
 */
export function readConfig(
  config: unknown,
  plugins: PluginTypes,
  templates: TemplateReader,
  context: Omit<PluginContext, 'path'>,
): ReadConfig {
  if (!isObject(config)) {
    const problem =
      typeof config === 'string'
        ? 'a configuration must be an object; to load a file, use createUtcpClient of @atp/utcp/node'
        : 'a configuration must be an object'
    throw new UtcpValidationError('invalid_config', '', problem)
  }
  if (Object.hasOwn(config, '__proto__')) {
    throw new UtcpValidationError('invalid_config', '__proto__', 'is not allowed as a name')
  }
  if (config.providers_file_path != null) {
    throw new UtcpValidationError(
      'invalid_config',
      'providers_file_path',
      'is of UTCP 0.x: write the list as "manual_call_templates", or load the file with createUtcpClient of @atp/utcp/node',
    )
  }
  const warnings: UtcpWarning[] = []
  const at = (path: string): PluginContext => ({ ...context, path })
  const variables = readVariables(config.variables)
  const loaders = listOf(config, 'load_variables_from').map((value, index) =>
    createPlugin(value, 'variableLoader', plugins.variableLoaders ?? [], isLoader, at(`load_variables_from[${index}]`)),
  )
  const searchStrategy = createPlugin(
    config.tool_search_strategy ?? { tool_search_strategy_type: 'tag_and_description_word_match' },
    'toolSearchStrategy',
    [...searchStrategyTypes, ...(plugins.toolSearchStrategies ?? [])],
    isSearchStrategy,
    at('tool_search_strategy'),
  )
  const postProcessors = listOf(config, 'post_processing').map((value, index) =>
    createPlugin(
      value,
      'toolPostProcessor',
      [...postProcessorTypes, ...(plugins.toolPostProcessors ?? [])],
      isPostProcessor,
      at(`post_processing[${index}]`),
    ),
  )
  const manualCallTemplates = listOf(config, 'manual_call_templates').map((value, index) =>
    templates.read(value, `manual_call_templates[${index}]`, (warning) => warnings.push(warning), 'invalid_config'),
  )
  // Last, because it may open a file that nobody would close if another part were refused.
  const given = config.tool_repository
  const repository = createPlugin(
    given ?? { tool_repository_type: 'in_memory' },
    'toolRepository',
    [inMemory, ...(plugins.toolRepositories ?? [])],
    isRepository,
    at('tool_repository'),
  )
  return {
    ...{ variables, loaders, repository, searchStrategy, postProcessors, manualCallTemplates, warnings },
    ownsRepository: (repository as unknown) !== given,
  }
}

function readVariables(value: unknown): Readonly<Record<string, string>> {
  if (value === undefined || value === null) return {}
  const copied = copyJson(value, 'variables', 'invalid_config')
  if (!isObject(copied)) throw new UtcpValidationError('invalid_config', 'variables', 'must be an object')
  const variables: Record<string, string> = {}
  for (const [name, text] of Object.entries(copied)) {
    if (text === null) continue
    if (typeof text !== 'string') {
      throw new UtcpValidationError('invalid_config', joinPath('variables', name), 'must be a text')
    }
    variables[name] = text
  }
  return variables
}

function listOf(config: Readonly<Record<string, unknown>>, name: string): readonly unknown[] {
  const value = config[name] ?? []
  if (Array.isArray(value)) return value
  throw new UtcpError('invalid_config', `${name}: must be a list`, { path: name })
}

const has =
  <T>(method: keyof T & string) =>
  (value: object): value is T & object =>
    typeof (value as Record<string, unknown>)[method] === 'function'

const isLoader = has<VariableLoader>('get')
const isRepository = has<ConcurrentToolRepository>('saveManual')
const isSearchStrategy = has<ToolSearchStrategy>('searchTools')
const isPostProcessor = has<ToolPostProcessor>('postProcess')

import { readFile } from 'node:fs/promises'
import { extname, resolve } from 'node:path'
import type { UtcpClientOptions } from '../client/client-options.ts'
import { UtcpClient } from '../client/utcp-client.ts'
import type { UtcpClientConfig } from '../config/client-config.ts'
import { parseText, type TextFormat } from '../config/parse-text.ts'
import { messageOf } from '../errors/to-utcp-error.ts'
import { UtcpError, UtcpValidationError } from '../errors/utcp-error.ts'
import { isObject } from '../model/copy-json.ts'
import { dotenvLoaderType } from './dotenv-loader.ts'

/**
 * Makes a client on Node as `UtcpClient.create` does, of an object or of a file of JSON (comments and trailing commas are
 * fine) or YAML. Knows the loader `dotenv`, and `providers_file_path` of UTCP 0.x.
 * @param config the path of a file, or the configuration itself
 * @param options `rootDir` is the working directory unless it is given; relative paths, that of `config` too, are relative
 *   to it
 * @throws UtcpError `invalid_config` for a file that cannot be read, and whatever `UtcpClient.create` throws
 */
export async function createUtcpClient(
  config: UtcpClientConfig | string = {},
  options: UtcpClientOptions = {},
): Promise<UtcpClient> {
  const rootDir = options.rootDir ?? process.cwd()
  const loaded = typeof config === 'string' ? await readTextFile(resolve(rootDir, config), config) : config
  return UtcpClient.create(await withProviders(loaded, rootDir), {
    ...options,
    rootDir,
    variableLoaders: [dotenvLoaderType, ...(options.variableLoaders ?? [])],
  })
}

/** The founding name's list of 0.x lies in a file of its own. */
async function withProviders(config: unknown, rootDir: string): Promise<UtcpClientConfig> {
  if (!isObject(config) || config.providers_file_path === undefined || config.providers_file_path === null) {
    return config as UtcpClientConfig
  }
  const { providers_file_path: path, ...rest } = config as UtcpClientConfig & { providers_file_path: unknown }
  if (typeof path !== 'string') throw new UtcpValidationError('invalid_config', 'providers_file_path', 'must be a text')
  const providers = await readTextFile(resolve(rootDir, path), 'providers_file_path')
  const list = isObject(providers) ? providers.providers : providers
  if (!Array.isArray(list)) throw new UtcpValidationError('invalid_config', 'providers_file_path', 'must hold a list')
  return { ...rest, manual_call_templates: [...(rest.manual_call_templates ?? []), ...list] }
}

async function readTextFile(file: string, path: string): Promise<unknown> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    throw new UtcpError('invalid_config', `${path} cannot be read: ${messageOf(error)}`, { cause: error, path })
  }
  const format: TextFormat | undefined = /^\.ya?ml$/i.test(extname(file)) ? 'yaml' : undefined
  return parseText(text, format)
}

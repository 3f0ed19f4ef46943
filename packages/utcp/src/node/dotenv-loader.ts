import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { parse } from 'dotenv'
import type { PluginType } from '../config/plugin-type.ts'
import { toUtcpError } from '../errors/to-utcp-error.ts'
import { shapeCheck, text } from '../model/check-shape.ts'
import type { VariableLoader } from '../variables/variable-substitutor.ts'

/** Where a {@link dotenvLoader} reads. */
export interface DotenvLoaderOptions {
  readonly env_file_path: string
  /** What a relative path is relative to. @default the working directory */
  readonly rootDir?: string | undefined
}

/** Reads variables from a `.env` file. A change of the file is seen by the next look-up; a missing file has no values. */
export function dotenvLoader({ env_file_path, rootDir = '.' }: DotenvLoaderOptions): VariableLoader {
  const file = resolve(rootDir, env_file_path)
  let known: { version: string; values: Promise<Readonly<Record<string, string>>> } | undefined
  return {
    async get(name) {
      try {
        const { mtimeMs, size, ino } = await stat(file)
        const version = `${mtimeMs}-${size}-${ino}`
        if (known?.version !== version) known = { version, values: readFile(file, 'utf8').then((read) => parse(read)) }
        const values = await known.values
        return Object.hasOwn(values, name) ? values[name] : undefined
      } catch (error) {
        known = undefined
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
        throw toUtcpError(error, 'invalid_config', `Reading variables from ${env_file_path} failed`)
      }
    },
  }
}

/** {@link dotenvLoader} for configurations. */
export const dotenvLoaderType: PluginType<VariableLoader> = {
  type: 'dotenv',
  create: (config, { path, rootDir }) => {
    const members = shapeCheck({ env_file_path: text }).check(config, path, 'invalid_config')
    return dotenvLoader({ env_file_path: members.env_file_path as string, rootDir })
  },
}

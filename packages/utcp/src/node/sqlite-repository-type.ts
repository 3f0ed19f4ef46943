import { resolve } from 'node:path'
import type { PluginType } from '../config/plugin-type.ts'
import { shapeCheck, text } from '../model/check-shape.ts'
import { SqliteToolRepository } from '../repository/sqlite-repository.ts'
import type { ConcurrentToolRepository } from '../repository/tool-repository.ts'

/** Lets configurations say `{"tool_repository_type": "sqlite", "file": "tools.sqlite"}`. */
export const sqliteRepositoryType: PluginType<ConcurrentToolRepository> = {
  type: 'sqlite',
  create: (config, { path, rootDir = '.' }) => {
    const { file } = shapeCheck({ file: text }).check(config, path, 'invalid_config') as { file: string }
    return new SqliteToolRepository({ file: file === ':memory:' ? file : resolve(rootDir, file) })
  },
}

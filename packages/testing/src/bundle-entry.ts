import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const edgeConditions = ['@atp/source', 'workerd', 'worker', 'import', 'default']

/**
 * Bundles an entry into one module for a platform without Node, and gives its code.
 * @param conditions of package.json exports. @default those of worker platforms, and our sources
 * @throws Error when the bundle is not one chunk, or imports anything
 */
export async function bundleEntry(
  entry: URL | string,
  conditions: readonly string[] = edgeConditions,
): Promise<string> {
  const input = entry instanceof URL || entry.startsWith('file:') ? fileURLToPath(entry) : entry
  const build = await rolldown({
    input,
    platform: 'neutral',
    resolve: { conditionNames: [...conditions] },
    logLevel: 'silent',
  })
  const { output } = await build.generate({ format: 'esm' })
  await build.close()
  const [chunk, ...others] = output.filter((each) => each.type === 'chunk')
  if (chunk === undefined || others.length > 0) throw new Error(`The bundle of ${input} is not one chunk`)
  const imports = [...chunk.imports, ...chunk.dynamicImports]
  if (imports.length > 0) throw new Error(`The bundle of ${input} imports ${imports.join(', ')}`)
  return chunk.code
}

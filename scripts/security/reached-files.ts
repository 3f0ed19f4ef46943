import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { importsOf, typescriptFiles } from '../test/read-imports.ts'

/**
 * The files, relative to the root of the repository, that a run of all tests reaches: test files, and what they import
 * by path or from packages of the workspace, over any number of steps.
 */
export function reachedFiles(root: string): ReadonlySet<string> {
  const entries = packageEntries(root)
  const reached = new Set<string>()
  const waiting = testFiles(root)
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (reached.has(file) || !existsSync(join(root, file))) continue
    reached.add(file)
    for (const specifier of importsOf(readFileSync(join(root, file), 'utf8'))) {
      const target = specifier.startsWith('.') ? posix.join(dirname(file), specifier) : entries.get(specifier)
      if (target?.endsWith('.ts')) waiting.push(target)
    }
  }
  return reached
}

/** The files of tests that run, relative to the root. */
export function testFiles(root: string): string[] {
  const folders = ['packages', 'apps'].flatMap((parent) =>
    readdirSync(join(root, parent)).map((name) => `${parent}/${name}/test`),
  )
  return [...folders, 'scripts/test'].flatMap((folder) =>
    typescriptFiles(join(root, folder))
      .filter((file) => file.endsWith('.test.ts'))
      .map((file) => `${folder}/${file}`),
  )
}

/** The source files behind what packages of the workspace export, by specifier. */
function packageEntries(root: string): ReadonlyMap<string, string> {
  const entries = new Map<string, string>()
  for (const folder of readdirSync(join(root, 'packages'))) {
    const path = join(root, 'packages', folder, 'package.json')
    if (!existsSync(path)) continue
    const { name, exports = {} } = JSON.parse(readFileSync(path, 'utf8')) as {
      name: string
      exports?: Record<string, { '@atp/source'?: string }>
    }
    for (const [subpath, { '@atp/source': source }] of Object.entries(exports)) {
      if (source) entries.set(posix.join(name, subpath), posix.join('packages', folder, source))
    }
  }
  return entries
}

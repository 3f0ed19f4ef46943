import { readdirSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { type Import, packageOf, readImports, typescriptFiles } from './read-imports.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The arrows of the design: which packages of ours a package's source may import. */
const mayImport: Record<string, readonly string[]> = {
  core: [],
  express: ['core'],
  fastify: ['core'],
  hono: ['core'],
  nest: ['core'],
  mcp: ['core'],
  egress: ['core'],
  utcp: ['core'],
  'utcp-*': ['core', 'egress', 'utcp'],
  server: ['core', 'egress', 'utcp-http', 'mcp'],
  cli: ['core', 'server', 'utcp', 'utcp-*'],
  testing: ['core'],
}

interface Workspace {
  /** `core`, `utcp-http`, `workspace-toolkit`. */
  folder: string
  path: string
  isApp: boolean
  source: Import[]
  tests: Import[]
  manifest: {
    name: string
    dependencies?: Record<string, string>
    devDependencies?: Record<string, string>
    peerDependencies?: Record<string, string>
    scripts?: Record<string, string>
    imports?: unknown
  }
}

const isBare = (specifier: string): boolean => !/^[./#]/.test(specifier)
const isOurs = (specifier: string): boolean => specifier.startsWith('@atp/')
const workspaces = [...readWorkspaces('packages'), ...readWorkspaces('apps')]
const byName = new Map(workspaces.map((workspace) => [workspace.manifest.name, workspace]))
const rootManifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Workspace['manifest']

function readWorkspaces(parent: 'packages' | 'apps'): Workspace[] {
  return readdirSync(join(root, parent)).flatMap((folder) => {
    const path = join(root, parent, folder)
    let manifest: Workspace['manifest']
    try {
      manifest = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) as Workspace['manifest']
    } catch {
      // What a removed package leaves behind, such as its node_modules.
      return []
    }
    // A name such as `#ws` is resolved by the manifest, which then is what imports the package behind it.
    const mapped = leavesOf(manifest.imports).map((specifier) => ({ file: 'package.json', specifier }))
    const source = [...readImports(join(path, 'src')), ...mapped.filter(({ specifier }) => isBare(specifier))]
    return [{ folder, path, isApp: parent === 'apps', source, tests: readImports(join(path, 'test')), manifest }]
  })
}

function leavesOf(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(leavesOf) : []
}

/** Whether the source names a package in any way; some only look up where it is installed. */
/** What a framework loads by itself, so that its users declare it without an import. */
const loadedBy: Record<string, readonly string[]> = {
  '@nestjs/core': ['@nestjs/platform-express', '@nestjs/platform-fastify', 'reflect-metadata', 'rxjs'],
}

function mentions({ path, source, manifest }: Workspace, name: string): boolean {
  if (Object.keys(manifest.dependencies ?? {}).some((framework) => loadedBy[framework]?.includes(name))) return true
  if (Object.values(manifest.scripts ?? {}).some((script) => script.includes(name))) return true
  if (source.some(({ specifier }) => packageOf(specifier) === name)) return true
  return typescriptFiles(join(path, 'src')).some((file) => {
    return readFileSync(join(path, 'src', file), 'utf8').includes(`'${name}'`)
  })
}

const kindOf = (folder: string): string => (folder.startsWith('utcp-') ? 'utcp-*' : folder)

function mayUse(from: Workspace, to: Workspace): boolean {
  if (to.isApp) return false
  const allowed = mayImport[kindOf(from.folder)] ?? []
  return from.isApp || allowed.includes(to.folder) || allowed.includes(kindOf(to.folder))
}

const shown = ({ file, specifier }: Import): string => `${file}: ${specifier}`

describe.each(workspaces)('$manifest.name', (workspace) => {
  const { folder, path, isApp, manifest, source, tests } = workspace
  const own = (specifier: string): boolean => packageOf(specifier) === manifest.name

  it('is called like its folder and has a place in the design', () => {
    expect(manifest.name).toBe(`@atp/${folder}`)
    if (!isApp) expect(Object.keys(mayImport)).toContain(kindOf(folder))
  })

  it('imports only packages below it', () => {
    const wrong = source.filter(({ specifier }) => {
      if (!isOurs(specifier)) return false
      const target = byName.get(packageOf(specifier))
      return target === undefined || !mayUse(workspace, target)
    })
    expect(wrong.map(shown)).toEqual([])
  })

  it('declares only packages below it', () => {
    const declared = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }).filter(isOurs)
    const wrong = declared.filter((name) => {
      const target = byName.get(name)
      return target === undefined || !mayUse(workspace, target)
    })
    expect(wrong).toEqual([])
  })

  it('reaches other packages by their names, never by a path', () => {
    const outside = (part: string, { file, specifier }: Import): boolean => {
      if (!specifier.startsWith('.')) return false
      const target = resolve(path, part, file, '..', specifier)
      return !target.startsWith(join(path, '/')) && !target.startsWith(join(root, 'scripts/'))
    }
    const wrong = [
      ...source.filter((each) => outside('src', each)),
      ...source.filter(({ specifier }) => /(?:^|\/)test\//.test(specifier)),
      ...tests.filter((each) => outside('test', each)),
    ]
    expect(wrong.map(shown)).toEqual([])
  })

  it('declares every package that its source imports', () => {
    const declared = { ...manifest.dependencies, ...manifest.peerDependencies }
    const wrong = source.filter(({ specifier }) => {
      return isBare(specifier) && !isBuiltin(specifier) && !own(specifier) && !(packageOf(specifier) in declared)
    })
    expect(wrong.map(shown)).toEqual([])
  })

  it('imports every package that it declares', () => {
    const names = Object.keys(manifest.dependencies ?? {})
    const unused = names.filter((name) => !mentions(workspace, name.replace(/^@types\//, '')))
    expect(unused).toEqual([])
  })

  it('declares every package that its tests import, itself or at the root', () => {
    const { dependencies, devDependencies, peerDependencies } = manifest
    const declared = { ...rootManifest.devDependencies, ...dependencies, ...devDependencies, ...peerDependencies }
    const wrong = tests.filter(({ specifier }) => {
      return isBare(specifier) && !isBuiltin(specifier) && !own(specifier) && !(packageOf(specifier) in declared)
    })
    expect(wrong.map(shown)).toEqual([])
  })
})

describe('@atp/core', () => {
  it('imports nothing of Node', () => {
    const core = byName.get('@atp/core')
    expect(core?.source.filter(({ specifier }) => isBuiltin(specifier)).map(shown)).toEqual([])
  })
})

describe('this test', () => {
  it('sees the imports that it judges', () => {
    const count = workspaces.flatMap(({ source }) => source).filter(({ specifier }) => isOurs(specifier)).length
    expect(count).toBeGreaterThan(10)
  })

  it('knows the back edges of the design when it sees them', () => {
    const make = (folder: string, isApp = false): Workspace => ({
      ...{ folder, path: '', isApp, source: [], tests: [] },
      manifest: { name: `@atp/${folder}` },
    })
    for (const [from, to] of [
      ['core', 'server'],
      ['core', 'utcp'],
      ['express', 'fastify'],
      ['hono', 'mcp'],
      ['egress', 'utcp'],
      ['utcp', 'utcp-http'],
      ['utcp-http', 'utcp-cli'],
      ['server', 'cli'],
      ['server', 'utcp-graphql'],
      ['testing', 'server'],
    ] as const) {
      const edge = `${from} -> ${to}: ${mayUse(make(from), make(to))}`
      expect(edge).toBe(`${from} -> ${to}: false`)
    }
    expect(mayUse(make('bench', true), make('express-demo', true))).toBe(false)
    expect(mayUse(make('cli'), make('utcp-http'))).toBe(true)
    expect(mayUse(make('server'), make('utcp-http'))).toBe(true)
    expect(mayUse(make('bench', true), make('cli'))).toBe(true)
  })
})

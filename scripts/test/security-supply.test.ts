import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (file: string): string => readFileSync(join(root, file), 'utf8')

interface Manifest {
  name: string
  private?: boolean
  packageManager?: string
  files?: string[]
  scripts?: Record<string, string>
  dependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
}

const manifestOf = (folder: string): Manifest => JSON.parse(read(join(folder, 'package.json'))) as Manifest
const packages = readdirSync(join(root, 'packages')).flatMap((name) => {
  try {
    return [manifestOf(`packages/${name}`)]
  } catch {
    // What a removed package leaves behind, such as its node_modules.
    return []
  }
})

describe('an install', () => {
  it('takes the lockfile as it is, with the pinned package manager', () => {
    expect(read('scripts/bootstrap.mjs')).toContain("'install', '--frozen-lockfile'")
    expect(manifestOf('.').packageManager).toMatch(/^pnpm@\d+\.\d+\.\d+$/)
  })

  it('takes every package from the registry, under its hash', () => {
    const resolutions = [...read('pnpm-lock.yaml').matchAll(/resolution: \{(.*)\}/g)].map((match) => match[1] ?? '')
    expect(resolutions.length).toBeGreaterThan(100)
    expect(resolutions.filter((text) => !/^integrity: sha512-[A-Za-z0-9+/]+=*$/.test(text))).toEqual([])
  })

  it('runs the scripts of no package but those that are named', () => {
    const settings = read('pnpm-workspace.yaml')
    const named = /^allowBuilds: \{(.*)\}$/m
      .exec(settings)?.[1]
      ?.split(',')
      .map((each) => each.trim().split(/: */))
    expect(named?.length).toBeGreaterThan(0)
    for (const [name, allowed] of named ?? [])
      expect([name, allowed]).toEqual([
        expect.stringMatching(/^[a-z0-9@/-]+$/),
        expect.stringMatching(/^(true|false)$/),
      ])
    expect(settings).not.toMatch(/dangerouslyAllowAllBuilds/i)
  })

  it('of a package of ours runs no scripts at its user’s', () => {
    const hooks = ['preinstall', 'install', 'postinstall', 'prepare']
    expect(
      packages.filter(({ scripts = {} }) => hooks.some((hook) => hook in scripts)).map(({ name }) => name),
    ).toEqual([])
  })
})

describe('what packages need', () => {
  it('is at most fifteen packages for @atp/core, and no framework or database among them', () => {
    const { dependencies = {}, optionalDependencies = {} } = manifestOf('packages/core')
    const names = Object.keys({ ...dependencies, ...optionalDependencies })
    expect(names.length).toBeLessThanOrEqual(15)
    expect(names).toContain('zod')
    expect(names.filter((name) => /express|fastify|hono|nest|^pg$|kysely|sqlite|nats/.test(name))).toEqual([])
  })

  it('is listed by name where a package is published: nothing else leaves the repository', () => {
    const published = packages.filter((manifest) => manifest.private !== true)
    expect(published.length).toBeGreaterThan(5)
    for (const { name, files } of published) expect([name, files]).toEqual([name, expect.arrayContaining(['dist'])])
  })
})

import { readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'
import { availableParallelism, cpus, release, totalmem, type } from 'node:os'

/** Packages whose version says what was measured. */
const measuredPackages = [
  '@atp/core',
  '@atp/server',
  '@atp/cli',
  'ws',
  '@modelcontextprotocol/server',
  '@modelcontextprotocol/node',
  '@modelcontextprotocol/client',
  'express',
  'fastify',
  'hono',
  '@hono/node-server',
  '@nestjs/core',
  'zod',
]

/**
 * The machine and the versions in two lines: figures mean nothing without them.
 * @param loadBefore the load average of the minute before measuring: other work on the cores
 */
export function describeMachine(loadBefore: number): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown CPU'
  const memoryGiB = (totalmem() / 1024 ** 3).toFixed(1)
  const versions = measuredPackages.map((name) => `${name} ${packageVersion(name)}`)
  return [
    `${model}, ${availableParallelism()} cores, ${memoryGiB} GiB, ${type()} ${release()}, Node ${process.version}, load before ${loadBefore.toFixed(1)}`,
    `${versions.join(', ')}\n`,
  ].join('\n')
}

function packageVersion(name: string): string {
  const path = findPackageJSON(name, import.meta.url)
  if (path === undefined) return 'not found'
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version
}

import { type AtpServerInfo, atpSystemWith } from './atp-system.ts'
import type { LoadSystem } from './load-system.ts'
import { sqliteCommits } from './sqlite-commits.ts'

/** Our server and a toolkit that polls over HTTP: every call is stored before it is accepted, and so is its outcome. */
export function sqliteInboxSystem(): LoadSystem {
  const system = atpSystemWith('SQLite', { protocol: 'ws' }, { toolkitProtocol: 'http' })
  return {
    ...system,
    async start(children) {
      const running = await system.start(children)
      const { dataDir } = running.server.started as AtpServerInfo
      return { ...running, commits: () => sqliteCommits(dataDir) }
    },
  }
}

/** The same with a database; each start takes a schema of its own in it. */
export function postgresInboxSystem(databaseUrl: string): LoadSystem {
  let starts = 0
  return {
    name: 'PostgreSQL',
    start(children) {
      const url = new URL(databaseUrl)
      url.searchParams.set('schema', `bench_${++starts}`)
      const parts = { toolkitProtocol: 'http', server: { databaseUrl: url.href } } as const
      return atpSystemWith('PostgreSQL', { protocol: 'ws' }, parts).start(children)
    },
  }
}

import type { Kysely } from 'kysely'
import type { Project, ProjectStore } from '../store.ts'
import type { Database, ProjectTable } from './database.ts'

/** Projects on any database Kysely speaks to. `newId` gives the ids of new ones. */
export function createProjectStore(database: Kysely<Database>, newId: () => string): ProjectStore {
  async function find(name: string): Promise<Project | undefined> {
    const row = await database.selectFrom('projects').selectAll().where('name', '=', name).executeTakeFirst()
    return row && toProject(row)
  }

  return {
    async ensure(name, now) {
      const found = await find(name)
      if (found) return found
      const row = await database
        .insertInto('projects')
        .values({ id: newId(), name, created_at: now })
        .onConflict((conflict) => conflict.column('name').doNothing())
        .returningAll()
        .executeTakeFirst()
      // No row: another caller made it in between, and projects are never deleted.
      return row ? toProject(row) : ((await find(name)) as Project)
    },
  }
}

function toProject(row: ProjectTable): Project {
  return { id: row.id, name: row.name, createdAt: row.created_at }
}

import type { Kysely } from 'kysely'
import type { Project, ProjectStore } from '../store.ts'
import type { Database, ProjectTable } from './database.ts'

/** Projects on any database Kysely speaks to. `newId` gives the ids of new ones. */
export function createProjectStore(database: Kysely<Database>, newId: () => string): ProjectStore {
  async function findBy(column: 'id' | 'name', value: string): Promise<Project | undefined> {
    const row = await database.selectFrom('projects').selectAll().where(column, '=', value).executeTakeFirst()
    return row && toProject(row)
  }

  return {
    find: (id) => findBy('id', id),

    findByName: (name) => findBy('name', name),

    async ensure(name, now) {
      const found = await findBy('name', name)
      if (found) return found
      const row = await database
        .insertInto('projects')
        .values({ id: newId(), name, created_at: now })
        .onConflict((conflict) => conflict.column('name').doNothing())
        .returningAll()
        .executeTakeFirst()
      // No row: another caller made it in between, and projects are never deleted.
      return row ? toProject(row) : ((await findBy('name', name)) as Project)
    },
  }
}

function toProject(row: ProjectTable): Project {
  return { id: row.id, name: row.name, createdAt: row.created_at }
}

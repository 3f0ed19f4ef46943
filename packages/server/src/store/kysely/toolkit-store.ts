import type { ToolDescriptor } from '@atp/core'
import type { ExpressionBuilder, Kysely, Transaction } from 'kysely'
import type { PublishedToolkit, Registration, StoredToolkit, ToolkitStore } from '../store.ts'
import type { Database, ToolkitTable } from './database.ts'
import { freeSlug, slugify } from './slug.ts'

/** Toolkits and their tools on any database Kysely speaks to. `newId` gives the ids of new toolkits. */
export function createToolkitStore(database: Kysely<Database>, newId: () => string): ToolkitStore {
  return {
    async ensure(projectId, appName, now) {
      for (let round = 0; round < maxRounds; round += 1) {
        const found = await findByAppName(database, projectId, appName)
        if (found) return found
        const row = await database
          .insertInto('toolkits')
          .values({
            id: newId(),
            project_id: projectId,
            app_name: appName,
            slug: freeSlug(slugify(appName), await takenSlugs(database, projectId, slugify(appName))),
            caption: '',
            instructions: null,
            hash: null,
            published_at: null,
            endpoint_url: null,
            created_at: now,
            updated_at: now,
          })
          .onConflict((conflict) => conflict.doNothing())
          .returningAll()
          .executeTakeFirst()
        if (row) return toToolkit(row)
        // Another caller took the name or the slug in between: the next round sees which.
      }
      throw new Error(`No free slug for toolkit "${appName}" after ${maxRounds} rounds: are its ids unique?`)
    },

    async find(projectId, id) {
      const row = await database
        .selectFrom('toolkits')
        .selectAll()
        .where('project_id', '=', projectId)
        .where('id', '=', id)
        .executeTakeFirst()
      return row && toToolkit(row)
    },

    async resolve(projectId, idOrName) {
      const rows = await database
        .selectFrom('toolkits')
        .selectAll()
        .where('project_id', '=', projectId)
        .where((expression) =>
          expression.or([
            expression('id', '=', idOrName),
            expression('app_name', '=', idOrName),
            expression('slug', '=', idOrName),
          ]),
        )
        .execute()
      const row =
        rows.find(({ id }) => id === idOrName) ?? rows.find(({ app_name }) => app_name === idOrName) ?? rows[0]
      return row && toToolkit(row)
    },

    async list(projectId) {
      const rows = await database
        .selectFrom('toolkits')
        .selectAll()
        .where('project_id', '=', projectId)
        .orderBy('app_name')
        .execute()
      return rows.map(toToolkit)
    },

    async listPage(projectId, { offset, limit }) {
      const ours = database.selectFrom('toolkits').where('project_id', '=', projectId)
      const rows = await ours.selectAll().orderBy('app_name').limit(limit).offset(offset).execute()
      return { items: rows.map(toToolkit), count: await countOf(ours.select(countAll).executeTakeFirst()) }
    },

    async listPublished({ offset, limit }) {
      const rows = await selectPublished(database)
        .orderBy('app_name')
        .orderBy('toolkits.id')
        .limit(limit)
        .offset(offset)
        .execute()
      const all = database.selectFrom('toolkits').where('published_at', 'is not', null)
      return { items: rows.map(toPublished), count: await countOf(all.select(countAll).executeTakeFirst()) }
    },

    async publishedOf(projectId) {
      const rows = await selectPublished(database)
        .where('toolkits.project_id', '=', projectId)
        .orderBy('app_name')
        .execute()
      return rows.map(toPublished)
    },

    async findPublished(idOrName) {
      const [, project, slug] = /^@(.+)\/([^/]+)$/.exec(idOrName) ?? []
      const published = selectPublished(database)
      const row =
        project === undefined || slug === undefined
          ? await published.where('toolkits.id', '=', idOrName).executeTakeFirst()
          : await published.where('projects.name', '=', project).where('slug', '=', slug).executeTakeFirst()
      return row && toPublished(row)
    },

    async publish(projectId, toolkitId, publishedAt) {
      const row = await database
        .updateTable('toolkits')
        .set({ published_at: publishedAt })
        .where('project_id', '=', projectId)
        .where('id', '=', toolkitId)
        .returningAll()
        .executeTakeFirst()
      return row && toToolkit(row)
    },

    async setEndpoint(projectId, toolkitId, url, now) {
      const row = await database
        .updateTable('toolkits')
        .set({ endpoint_url: url, updated_at: now })
        .where('project_id', '=', projectId)
        .where('id', '=', toolkitId)
        .returningAll()
        .executeTakeFirst()
      return row && toToolkit(row)
    },

    async tools(projectId, toolkitId) {
      const rows = await database
        .selectFrom('tools')
        .select('descriptor')
        .where('project_id', '=', projectId)
        .where('toolkit_id', '=', toolkitId)
        .orderBy('position')
        .execute()
      return rows.map((row) => JSON.parse(row.descriptor) as ToolDescriptor)
    },

    async toolCounts(projectId) {
      const rows = await database
        .selectFrom('tools')
        .select((expression) => ['toolkit_id', expression.fn.countAll<number | string>().as('tools')])
        .where('project_id', '=', projectId)
        .groupBy('toolkit_id')
        .execute()
      // PostgreSQL counts in bigint, which its driver gives as text.
      return new Map(rows.map((row) => [row.toolkit_id, Number(row.tools)]))
    },

    register(projectId, toolkitId, registration) {
      return database.transaction().execute((transaction) => register(transaction, projectId, toolkitId, registration))
    },
  }
}

/** Each lost round means that another caller made a toolkit with the same slug: two in a row are rare. */
const maxRounds = 100

async function register(
  transaction: Transaction<Database>,
  projectId: string,
  toolkitId: string,
  { caption, instructions, hash, endpointUrl, upsert, remove, now }: Registration,
): Promise<StoredToolkit | undefined> {
  // First of all, because it takes the row's lock: registrations of one toolkit follow one another.
  const row = await transaction
    .updateTable('toolkits')
    .set({
      caption,
      instructions,
      hash,
      updated_at: now,
      ...(endpointUrl !== undefined && { endpoint_url: endpointUrl }),
    })
    .where('project_id', '=', projectId)
    .where('id', '=', toolkitId)
    .returningAll()
    .executeTakeFirst()
  if (!row) return undefined

  // A statement per tool keeps the set of distinct statements small; they all commit at once.
  for (const name of remove) {
    await transaction
      .deleteFrom('tools')
      .where('project_id', '=', projectId)
      .where('toolkit_id', '=', toolkitId)
      .where('name', '=', name)
      .where('code_hash', 'is', null)
      .execute()
  }
  if (remove.length > 0 || upsert.length > 0) {
    // What older clients know their tools by stands for what was there before.
    await transaction.deleteFrom('toolkit_hashes').where('toolkit_id', '=', toolkitId).execute()
  }
  let position = await lastPosition(transaction, toolkitId)
  for (const tool of upsert) {
    position += 1
    await transaction
      .insertInto('tools')
      .values({
        project_id: projectId,
        toolkit_id: toolkitId,
        name: tool.name,
        position,
        descriptor: JSON.stringify(tool),
        code_hash: null,
      })
      .onConflict((conflict) =>
        conflict
          .columns(['toolkit_id', 'name'])
          .doUpdateSet((expression) => ({ descriptor: expression.ref('excluded.descriptor'), code_hash: null })),
      )
      .execute()
  }
  return toToolkit(row)
}

/** The position of the toolkit's last tool. */
export async function lastPosition(transaction: Transaction<Database>, toolkitId: string): Promise<number> {
  const row = await transaction
    .selectFrom('tools')
    .select((expression) => expression.fn.max('position').as('last'))
    .where('toolkit_id', '=', toolkitId)
    .executeTakeFirst()
  return row?.last ?? 0
}

async function findByAppName(
  database: Kysely<Database>,
  projectId: string,
  appName: string,
): Promise<StoredToolkit | undefined> {
  const row = await database
    .selectFrom('toolkits')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('app_name', '=', appName)
    .executeTakeFirst()
  return row && toToolkit(row)
}

/** The slugs that any candidate derived from `slug` could meet. */
async function takenSlugs(database: Kysely<Database>, projectId: string, slug: string): Promise<Set<string>> {
  // Eight characters are left for the suffix. "_" is a wildcard here: a few rows too many do no harm.
  const pattern = `${slug.slice(0, 56)}%`
  const rows = await database
    .selectFrom('toolkits')
    .select('slug')
    .where('project_id', '=', projectId)
    .where('slug', 'like', pattern)
    .execute()
  return new Set(rows.map((row) => row.slug))
}

function selectPublished(database: Kysely<Database>) {
  return database
    .selectFrom('toolkits')
    .innerJoin('projects', 'projects.id', 'toolkits.project_id')
    .selectAll('toolkits')
    .select('projects.name as project_name')
    .where('published_at', 'is not', null)
}

const countAll = ({ fn }: ExpressionBuilder<Database, 'toolkits'>) => fn.countAll<number | string>().as('count')

/** PostgreSQL counts in bigint, which its driver gives as text. */
async function countOf(counting: Promise<{ count: number | string } | undefined>): Promise<number> {
  return Number((await counting)?.count ?? 0)
}

function toPublished(row: ToolkitTable & { project_name: string }): PublishedToolkit {
  return { ...toToolkit(row), projectName: row.project_name }
}

/** A toolkit as its row has it. */
export function toToolkit(row: ToolkitTable): StoredToolkit {
  return {
    id: row.id,
    projectId: row.project_id,
    appName: row.app_name,
    slug: row.slug,
    caption: row.caption,
    instructions: row.instructions,
    hash: row.hash,
    publishedAt: row.published_at,
    endpointUrl: row.endpoint_url,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

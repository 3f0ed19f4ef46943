import { AtpError } from '@atp/core'
import { firstIssues } from '@atp/core/protocol'
import type { FastifyRequest } from 'fastify'
import * as z from 'zod'
import { readQuery } from '../gateway/http-app.ts'
import type { Page, PageRange } from '../store/page.ts'

/** Which page of a list is wanted, counted from 1. */
export interface PageRequest {
  page: number
  pageSize: number
  range: PageRange
}

const defaultPageSize = 20
const maxPageSize = 100
const maxPage = 1_000_000

const pageQuery = z.object({
  page: z.coerce.number().int().min(1).max(maxPage).default(1),
  page_size: z.coerce.number().int().min(1).max(maxPageSize).default(defaultPageSize),
})

/**
 * Reads `page` and `page_size` of an address; the Python SDK sends neither.
 * @throws AtpError `invalid_request`
 */
export function readPage(request: FastifyRequest): PageRequest {
  const parsed = pageQuery.safeParse(readQuery(request))
  if (!parsed.success) throw new AtpError('invalid_request', `The query cannot be read: ${firstIssues(parsed.error)}`)
  const { page, page_size: pageSize } = parsed.data
  return { page, pageSize, range: { offset: (page - 1) * pageSize, limit: pageSize } }
}

/** Writes a page of a list; `next` and `previous` are addresses on this server, null at the ends. */
export function writePage<T>(
  path: string,
  { page, pageSize }: PageRequest,
  { items, count }: Page<T>,
  write: (item: T) => Record<string, unknown>,
): Record<string, unknown> {
  const address = (number: number): string => `${path}?page=${number}&page_size=${pageSize}`
  const last = Math.max(1, Math.ceil(count / pageSize))
  return {
    count,
    page,
    page_size: pageSize,
    next: page < last ? address(page + 1) : null,
    previous: page > 1 ? address(Math.min(page - 1, last)) : null,
    results: items.map(write),
  }
}

import type * as z from 'zod'
import { AtpError } from '../errors/atp-error.ts'
import type { ErrorCode } from '../errors/codes.ts'
import { firstIssues } from '../protocol/tool-descriptor.ts'
import { requestJson } from './http-request.ts'
import {
  type DeveloperProfile,
  developerProfile,
  type ToolkitDetails,
  type ToolkitPage,
  toolkitDetails,
  toolkitPage,
} from './store-bodies.ts'

/** Which page of a list, counted from 1. */
export interface PageRequest {
  /** @default 1 */
  page?: number
  /** How many toolkits a page has. @default what the server says: ours 20, at most 100 */
  pageSize?: number
  signal?: AbortSignal
}

interface StoreClientOptions {
  /** `http://…` without a path of ours. */
  baseUrl: string
  apiKey: string
  fetch: typeof fetch
}

const timeoutMs = 30_000

/** Asks a server what toolkits it offers, over HTTP. */
export class StoreClient {
  readonly #options: StoreClientOptions
  #closing = new AbortController()

  constructor(options: StoreClientOptions) {
    this.#options = options
  }

  /** A page of a list, `store/toolkits/list/` or `developers/toolkits/`. @throws AtpError */
  async list(path: string, { page, pageSize, signal }: PageRequest): Promise<ToolkitPage> {
    const query = new URLSearchParams()
    if (page !== undefined) query.set('page', countOf('page', page))
    if (pageSize !== undefined) query.set('page_size', countOf('pageSize', pageSize))
    const address = query.size === 0 ? path : `${path}?${query}`
    return this.#get(address, toolkitPage({ page: page ?? 1, pageSize }), 'not_found', signal)
  }

  /** @throws AtpError */
  async toolkit(id: string, signal: AbortSignal | undefined): Promise<ToolkitDetails> {
    return this.#get(`store/toolkits/${segmentOf('id', id)}/`, toolkitDetails, 'toolkit_not_found', signal)
  }

  /** @throws AtpError */
  async developer(displayName: string, signal: AbortSignal | undefined): Promise<DeveloperProfile> {
    const path = `store/developers/${segmentOf('displayName', displayName)}/`
    return this.#get(path, developerProfile, 'not_found', signal)
  }

  /** Ends what is under way; idempotent. */
  close(): void {
    this.#closing.abort()
    this.#closing = new AbortController()
  }

  async #get<T>(path: string, schema: z.ZodType<T>, missing: ErrorCode, signal: AbortSignal | undefined): Promise<T> {
    const { baseUrl, apiKey, fetch } = this.#options
    const url = `${baseUrl}/api/v1/atp/llm-client/${path}`
    const answer = await requestJson({ url, apiKey, timeoutMs, signal, closed: this.#closing.signal, missing, fetch })
    const parsed = schema.safeParse(answer)
    if (parsed.success) return parsed.data
    throw new AtpError('protocol_error', `The answer of ${url} cannot be read: ${firstIssues(parsed.error)}`)
  }
}

/** @throws AtpError `invalid_request` */
function countOf(name: string, value: number): string {
  if (Number.isSafeInteger(value) && value >= 1) return String(value)
  throw new AtpError('invalid_request', `${name} must be a whole number from 1 on`)
}

/** A part of an address. @throws AtpError `invalid_request` for what none can name: `..` leads elsewhere, escaped or not */
export function segmentOf(name: string, value: string): string {
  if (typeof value === 'string' && value !== '' && value !== '.' && value !== '..' && value.isWellFormed()) {
    return encodeURIComponent(value)
  }
  throw new AtpError('invalid_request', `${name} must be a name that is neither empty nor "." nor ".."`)
}

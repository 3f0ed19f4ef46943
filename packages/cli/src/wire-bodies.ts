import * as z from 'zod'

// What the admin routes answer, as far as people are shown it; further members stay, for --json.

/** A key, without the key itself. */
export interface WireKey {
  id: string
  kind: string
  name: string
  toolkit_id: string | null
  /** Times are milliseconds since 1970. */
  created_at: number
  expires_at: number | null
  revoked_at: number | null
}

/** A new key: the only body that holds the key. */
export interface NewKey {
  id: string
  kind: string
  name: string
  key: string
}

/** A toolkit; `connected` is the number of its processes that are connected. */
export interface WireToolkit {
  id: string
  name: string
  slug: string
  connected: number
  tool_count: number
  /** Where its calls are posted to while no process is connected; null or missing for nowhere. */
  endpoint_url?: string | null | undefined
  /** Since when every project sees it in the store; null or missing while it is private. */
  published_at?: number | null | undefined
  updated_at: number
}

/** Whether a toolkit is in the store. */
export interface Publication {
  name: string
  published_at: number | null
}

/** Where the calls of a toolkit are posted to; null for nowhere. */
export interface Endpoint {
  name: string
  endpoint_url: string | null
}

/** A tool, as far as a list shows it. */
export interface WireToolSummary {
  name: string
  description: string
  params: string[]
  required_params: string[]
  auth_provider: string | null
  auth_type: string | null
}

/** Body of `GET /keys`, newest first. */
export interface KeyList {
  keys: WireKey[]
}

/** Body of `GET /toolkits`, by name. */
export interface ToolkitList {
  toolkits: WireToolkit[]
}

/** Body of `GET /toolkits/:id/tools`, in the order of registration. */
export interface ToolList {
  tools: WireToolSummary[]
}

const text = z.string()
const number = z.number()

/** Reads a {@link WireKey}. */
export const wireKey: z.ZodType<WireKey> = z.looseObject({
  id: text,
  kind: text,
  name: text,
  toolkit_id: text.nullable(),
  created_at: number,
  expires_at: number.nullable(),
  revoked_at: number.nullable(),
})

/** Reads a {@link KeyList}. */
export const keyList: z.ZodType<KeyList> = z.looseObject({ keys: z.array(wireKey) })

/** Reads a {@link NewKey}. */
export const newKey: z.ZodType<NewKey> = z.object({ id: text, kind: text, name: text, key: text })

/** Reads a {@link ToolkitList}. */
export const toolkitList: z.ZodType<ToolkitList> = z.looseObject({
  toolkits: z.array(
    z.looseObject({
      id: text,
      name: text,
      slug: text,
      connected: number,
      tool_count: number,
      endpoint_url: text.nullish(),
      published_at: number.nullish(),
      updated_at: number,
    }),
  ),
})

/** Reads a {@link Publication}. */
export const publication: z.ZodType<Publication> = z.looseObject({ name: text, published_at: number.nullable() })

/** Reads an {@link Endpoint}. */
export const endpoint: z.ZodType<Endpoint> = z.looseObject({ name: text, endpoint_url: text.nullable() })

/** Reads a {@link ToolList}. */
export const toolList: z.ZodType<ToolList> = z.looseObject({
  tools: z.array(
    z.looseObject({
      name: text,
      description: text,
      params: z.array(text),
      required_params: z.array(text),
      auth_provider: text.nullable(),
      auth_type: text.nullable(),
    }),
  ),
})

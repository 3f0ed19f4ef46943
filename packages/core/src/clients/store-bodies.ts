import * as z from 'zod'
import { isJsonObject } from '../protocol/json.ts'
import { fromWireTool, type ToolDescriptor } from '../protocol/tool-descriptor.ts'

/** A toolkit as a list shows it. */
export interface ListedToolkit {
  toolkitId: string
  name: string
  description: string
  slug?: string | undefined
  /** Whose it is; left out in lists of one developer's own. */
  developer?: { displayName: string } | undefined
  /** Whether others see it; told of one's own only. */
  published?: boolean | undefined
}

/** One page of a list of toolkits. */
export interface ToolkitPage {
  /** How many there are on all pages. */
  count: number
  page: number
  pageSize: number
  /** Null on the last page. */
  nextPage: number | null
  /** Null on the first page. */
  previousPage: number | null
  results: ListedToolkit[]
}

/** A tool as the store shows it; servers that are not ours may tell its name and description only. */
export type StoreTool = Pick<ToolDescriptor, 'name' | 'description'> & Partial<ToolDescriptor>

/** A toolkit with its tools. */
export interface ToolkitDetails extends ListedToolkit {
  tools: StoreTool[]
}

/** A developer, and the toolkits that others see. */
export interface DeveloperProfile {
  displayName: string
  bio: string
  toolkits: ListedToolkit[]
}

const text = z
  .string()
  .nullish()
  .transform((value) => value ?? '')

const listedMembers = {
  toolkit_id: z.string(),
  name: text,
  description: text,
  slug: z.string().nullish(),
  developer: z.object({ display_name: text }).nullish(),
  published: z.boolean().nullish(),
}
const listedWire = z.object(listedMembers)

function readListed(wire: z.infer<typeof listedWire>): ListedToolkit {
  return {
    toolkitId: wire.toolkit_id,
    name: wire.name,
    description: wire.description,
    ...(wire.slug == null ? {} : { slug: wire.slug }),
    ...(wire.developer == null ? {} : { developer: { displayName: wire.developer.display_name } }),
    ...(wire.published == null ? {} : { published: wire.published }),
  }
}

const listed = listedWire.transform(readListed)

/** Reads a page; what the server leaves out is what was asked for. */
export function toolkitPage(asked: { page: number; pageSize: number | undefined }): z.ZodType<ToolkitPage> {
  return z
    .object({
      count: z.int().nullish(),
      page: z.int().nullish(),
      page_size: z.int().nullish(),
      next: z.unknown().optional(),
      previous: z.unknown().optional(),
      results: z.array(listed),
    })
    .transform((wire) => {
      const page = wire.page ?? asked.page
      const { results } = wire
      return {
        count: wire.count ?? results.length,
        page,
        pageSize: wire.page_size ?? asked.pageSize ?? results.length,
        nextPage: isThere(wire.next) ? page + 1 : null,
        previousPage: isThere(wire.previous) ? page - 1 : null,
        results,
      }
    })
}

/** Reads a toolkit's details. */
export const toolkitDetails: z.ZodType<ToolkitDetails> = z
  .object({ ...listedMembers, tools: z.array(z.unknown()).nullish() })
  .transform((wire) => ({ ...readListed(wire), tools: (wire.tools ?? []).flatMap(readTool) }))

/** Reads a developer's profile. */
export const developerProfile: z.ZodType<DeveloperProfile> = z
  .object({ display_name: z.string(), bio: text, toolkits: z.array(listed).nullish() })
  .transform((wire) => ({ displayName: wire.display_name, bio: wire.bio, toolkits: wire.toolkits ?? [] }))

/** All that is known of a tool, or what can be read of it: nobody is to run it by this. */
function readTool(value: unknown): StoreTool[] {
  if (!isJsonObject(value) || typeof value.name !== 'string') return []
  try {
    return [fromWireTool(value)]
  } catch {
    return [{ name: value.name, description: typeof value.description === 'string' ? value.description : '' }]
  }
}

/** An address of the neighbouring page, or nothing. */
function isThere(value: unknown): boolean {
  return value !== null && value !== undefined && value !== ''
}

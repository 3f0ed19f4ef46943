import type { Tool } from '../../src/index.ts'

const verbs =
  'create list get update delete search send fetch cancel archive restore export import share assign close open merge schedule publish validate convert calculate track invite approve reject refund sync count'.split(
    ' ',
  )
const nouns =
  'invoice order customer ticket message channel user file folder document event calendar meeting payment refund subscription product inventory shipment repository issue pull_request branch commit release comment label project task board card sprint report dashboard metric alert incident contact lead deal campaign email draft template record zone instance bucket object function queue topic pod deployment secret key token session role permission team page database table row column query playlist track album video image article forecast location route hotel flight booking review rating survey form response'.split(
    ' ',
  )
const adjectives =
  'new existing pending active archived overdue recent public private internal shared default custom recurring scheduled failed completed open closed draft'.split(
    ' ',
  )
const tails =
  'by id|in a project|for a customer|with optional filters|and notify its followers|of the current account|within a date range|and return its details|in bulk|using the latest version of the API|without sending a notification|across all workspaces the user can access'.split(
    '|',
  )
const plainTags =
  'billing crm messaging storage monitoring devops travel weather media search admin reporting security finance support marketing sales hr legal ai analytics scheduling automation developer tools'.split(
    ' ',
  )

/** A small generator of numbers that are the same each time (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Words as services use them: few are everywhere, many are rare. */
function pick(list: readonly string[], random: () => number): string {
  return list[Math.floor(random() ** 2 * list.length)] ?? ''
}

/** A service's tool: names, descriptions and tags as real manuals have them, some in other scripts and cases. */
function toolAt(index: number, random: () => number): Record<string, unknown> {
  const verb = pick(verbs, random)
  const noun = pick(nouns, random)
  const sentence = `${verb[0]?.toUpperCase()}${verb.slice(1)} ${random() < 0.5 ? 'a' : 'the'} ${pick(adjectives, random)} ${noun.replace('_', ' ')} ${pick(tails, random)}.`
  const more = random() < 0.6 ? ` Requires the ${pick(nouns, random)} permission; see ${pick(plainTags, random)}.` : ''
  const tags = [noun, ...Array.from({ length: Math.floor(random() * 4) }, () => pick(plainTags, random))]
  if (random() < 0.1) tags.push(`${pick(adjectives, random)} ${pick(nouns, random)}`)
  if (random() < 0.05) tags.push('ÜBERSICHT', '天気')
  if (random() < 0.03) tags.push(tags[0] ?? '')
  return {
    name: `${verb}_${noun}_${index}`,
    description: random() < 0.02 ? '' : sentence + more,
    tags: random() < 0.02 ? [] : tags,
    inputs: {
      type: 'object',
      properties: {
        [`${noun}_id`]: { type: 'string', description: `The id of the ${noun}` },
        limit: { type: 'integer', minimum: 1, maximum: 100, default: 10 },
        filter: { type: 'object', properties: { status: { type: 'string', enum: ['open', 'closed'] } } },
      },
      required: [`${noun}_id`],
    },
    outputs: { type: 'object', properties: { ok: { type: 'boolean' } } },
    tool_call_template: {
      call_template_type: 'http',
      url: `https://api.example.com/v1/${noun}s/${index}/{${noun}_id}`,
      http_method: 'GET',
    },
  }
}

/** Tools as JSON, as a manual has them: names without their manual's. */
export function corpusTools(count: number, seed = 1): Record<string, unknown>[] {
  const random = seededRandom(seed)
  return Array.from({ length: count }, (_, index) => toolAt(index, random))
}

/** Queries as people and models write them; no two are the same. */
export function corpusQueries(count: number, seed = 2): string[] {
  const random = seededRandom(seed)
  return Array.from({ length: count }, (_, index) => {
    const words = [pick(verbs, random), pick(adjectives, random), pick(nouns, random), pick(tails, random)]
    if (random() < 0.4) words.push(pick(plainTags, random))
    if (random() < 0.05) words.push('übersicht 天気')
    if (random() < 0.1) words.splice(0, 2)
    if (random() < 0.3) words.push(`number${index}`)
    return random() < 0.2 ? words.join(' ').toUpperCase() : words.join(' ')
  })
}

/** A tool of {@link corpusTools} with its full name. */
export function named(tool: Record<string, unknown>, manual: string): Tool {
  return { ...(tool as unknown as Tool), name: `${manual}.${String(tool.name)}` }
}

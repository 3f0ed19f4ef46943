const list = (text: string, separator = ' '): readonly string[] => text.split(separator)

const verbs = list(
  'create list get update delete search send fetch cancel archive restore export import share assign close open merge ' +
    'schedule publish validate convert calculate track invite approve reject refund sync count',
)
const nouns = list(
  'invoice order customer ticket message channel user file folder document event calendar meeting payment product ' +
    'inventory shipment repository issue branch commit release comment label project task board sprint report metric ' +
    'alert incident contact lead deal campaign email draft template record zone bucket queue topic pod deployment ' +
    'secret token session role team page table row playlist track album video image article forecast location route ' +
    'hotel flight booking review rating survey form',
)
const adjectives = list(
  'new existing pending active archived overdue recent public private internal shared default custom',
)
const tails = list(
  'by id|in a project|for a customer|with optional filters|and notify its followers|of the current account|' +
    'within a date range|and return its details|in bulk|across all workspaces the user can access',
  '|',
)
const areas = list(
  'billing crm messaging storage monitoring devops travel weather media admin reporting security finance support sales',
)

/** Numbers that are the same in every run and process (a linear congruential generator, Numerical Recipes' constants). */
function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 4_294_967_296
  }
}

/** Few words are everywhere, many are rare, as in real manuals. */
function pick(words: readonly string[], random: () => number): string {
  return words[Math.floor(random() ** 2 * words.length)] ?? ''
}

/** A manual of `count` tools as text, as it comes over a wire: names, sentences, tags and schemas as services have them. */
export function corpusManual(count: number): string {
  const random = seeded(1)
  const tools = Array.from({ length: count }, (_, index) => {
    const [verb, noun] = [pick(verbs, random), pick(nouns, random)]
    return {
      name: `${verb}_${noun}_${index}`,
      description: `${verb} a ${pick(adjectives, random)} ${noun} ${pick(tails, random)}. Needs the ${pick(nouns, random)} permission of ${pick(areas, random)}.`,
      inputs: {
        type: 'object',
        properties: {
          [`${noun}_id`]: { type: 'string', description: `The id of the ${noun}` },
          limit: { type: 'integer', minimum: 1, maximum: 100, default: 10 },
        },
        required: [`${noun}_id`],
      },
      outputs: { type: 'object', properties: { ok: { type: 'boolean' } } },
      tags: [noun, pick(areas, random), `${pick(adjectives, random)} ${pick(nouns, random)}`],
      tool_call_template: {
        call_template_type: 'http',
        url: `https://api.example.com/v1/${noun}s/${index}/{${noun}_id}`,
        http_method: 'GET',
      },
    }
  })
  return JSON.stringify({ utcp_version: '1.0.1', manual_version: '1.0.0', tools })
}

/** Queries as people and models write them, no two the same, without end. */
export function* corpusQueries(): Generator<string, never, undefined> {
  const random = seeded(2)
  for (let number = 0; ; number += 1) {
    yield `${pick(verbs, random)} the ${pick(adjectives, random)} ${pick(nouns, random)} ${pick(tails, random)} number${number}`
  }
}

import { AtpError, isAtpError } from '../errors/atp-error.ts'
import { parseJson } from '../protocol/json.ts'

/**
 * Reads the JSON a model wrote as text: the whole text, or what stands in its ```json fences. Of several fences comes
 * a list, in which one that is no JSON stays a text.
 * @throws AtpError `invalid_request` when there is no JSON in the text
 */
export function readJsonText(text: string): unknown {
  const whole = tryParse(text)
  if (whole.ok) return whole.value
  const bodies = fencedBodies(text)
  const fenced = bodies.map(tryParse)
  if (!fenced.some((each) => each.ok)) {
    throw new AtpError(
      'invalid_request',
      `The text holds no tool call as JSON: ${fenced.find((each) => !each.ok)?.reason ?? whole.reason}`,
    )
  }
  const values = fenced.map((each, index) => (each.ok ? each.value : bodies[index]))
  return values.length === 1 ? values[0] : values
}

// JSON strings hold no line breaks, so a fence at the start of a line never ends inside one.
const blockFence = /^[ \t]*```(?:json)?[ \t]*\r?\n([\s\S]*?)^[ \t]*```/gim
const inlineFence = /```(?:json)?([\s\S]*)```/i

function fencedBodies(text: string): string[] {
  const blocks = [...text.matchAll(blockFence)].map((match) => match[1] ?? '')
  if (blocks.length > 0) return blocks
  const inline = inlineFence.exec(text)?.[1]
  return inline === undefined ? [] : [inline]
}

type Attempt = { ok: true; value: unknown } | { ok: false; reason: string }

function tryParse(text: string): Attempt {
  try {
    return { ok: true, value: parseJson(text) }
  } catch (error) {
    if (!isAtpError(error)) throw error
    return { ok: false, reason: error.message }
  }
}

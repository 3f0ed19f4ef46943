import type { ToolDescriptor } from '../protocol/tool-descriptor.ts'
import type { Fold } from './lowering/fold.ts'
import { type LoweredRoot, lowerRoot } from './lowering/lower-root.ts'
import { type Allowance, createAllowance, type ToolChange } from './lowering/lowering-context.ts'
import { LoweringRefusal, type RefusalCode } from './lowering/lowering-refusal.ts'
import type { ProviderSchema } from './provider-format.ts'
import { type ProviderRules, providerRules } from './provider-rules.ts'

/** Why a tool is left out. */
export interface ToolRefusal {
  /** Stable, such as `unsatisfiable`; `docs/providers.md` lists them all. */
  code: RefusalCode
  message: string
}

/** A tool as a provider is told of it, its name aside. */
export interface LoweredTool {
  description: string
  schema: ProviderSchema
  /** Whether the provider is asked to enforce the schema. */
  strict: boolean
  fold: Fold | undefined
}

/** A tool in a provider's form, or why there is none. */
export type ToolLowering = { changes: ToolChange[] } & (
  | { lowered: LoweredTool; refusal: undefined }
  | { lowered: undefined; refusal: ToolRefusal }
)

/**
 * Writes one tool by a provider's rules. Where strict mode cannot express it, it is written without, which is a change.
 * Never throws, whatever the schema holds.
 * @param allowance what all tools of a toolkit may unfold to together. @default one of its own
 */
export function lowerTool(
  tool: Pick<ToolDescriptor, 'description' | 'inputSchema'>,
  rules: ProviderRules,
  allowance: Allowance = createAllowance(),
): ToolLowering {
  const attempt = tryLower(tool, rules, allowance)
  if (!(attempt instanceof LoweringRefusal)) return withDescription(tool, attempt, rules, rules.strict)
  const { code, message } = attempt
  if (!rules.strict) return { changes: [], lowered: undefined, refusal: { code, message } }
  const open = tryLower(tool, providerRules.openai, allowance)
  if (open instanceof LoweringRefusal) return { changes: [], lowered: undefined, refusal: { code, message } }
  const change: ToolChange = { code: 'not_strict', path: '', what: 'not strict', why: message, loses: true }
  return withDescription(tool, { ...open, changes: [change, ...open.changes] }, rules, false)
}

function tryLower(
  tool: Pick<ToolDescriptor, 'inputSchema'>,
  rules: ProviderRules,
  allowance: Allowance,
): LoweredRoot | LoweringRefusal {
  try {
    return lowerRoot(tool.inputSchema, rules, allowance)
  } catch (error) {
    if (error instanceof LoweringRefusal) return error
    // Defaults and examples may hold any JSON, and only the engine knows how deep it can write.
    if (error instanceof RangeError)
      return new LoweringRefusal('schema_too_deep', 'it is nested deeper than can be written')
    throw error
  }
}

function withDescription(
  { description }: Pick<ToolDescriptor, 'description'>,
  { schema, fold, changes }: LoweredRoot,
  rules: ProviderRules,
  strict: boolean,
): ToolLowering {
  const limit = rules.maxDescriptionLength
  if (description.length <= limit)
    return { changes, lowered: { description, schema, strict, fold }, refusal: undefined }
  const [head, tail] = splitText(description, limit - continued.length)
  const rest = tail.slice(0, maxContinuation)
  const own = typeof schema.description === 'string' ? `\n${schema.description}` : ''
  const why = `${rules.provider} takes descriptions of ${limit} characters`
  const change: ToolChange =
    rest.length === tail.length
      ? {
          code: 'keyword_moved',
          path: '',
          what: 'the end of the description moved to that of the parameters',
          why,
          loses: false,
        }
      : {
          code: 'description_cut',
          path: '',
          what: `the description cut after ${head.length + rest.length} characters`,
          why,
          loses: true,
        }
  return {
    changes: [...changes, change],
    lowered: { description: `${head}${continued}`, schema: { ...schema, description: `…${rest}${own}` }, strict, fold },
    refusal: undefined,
  }
}

const continued = ' (goes on in the description of the parameters)'
/** As long as a server takes descriptions. */
const maxContinuation = 16_384

/** Splits at a word's end where there is one near, never inside a character. */
function splitText(text: string, length: number): [head: string, tail: string] {
  const space = text.lastIndexOf(' ', length)
  const end = space > length / 2 ? space : length
  const whole = /[\uD800-\uDBFF]/.test(text.charAt(end - 1)) ? end - 1 : end
  return [text.slice(0, whole), text.slice(whole)]
}

import type { ProviderName } from './provider-format.ts'

/** What a provider takes; `docs/providers.md` names the source of each number. */
export interface ProviderRules {
  readonly provider: ProviderName
  /** Whether the provider enforces the schema, and takes only the part of JSON Schema that it can enforce. */
  readonly strict: boolean
  /** How many tools one request may describe. */
  readonly maxTools: number
  /** The longest description of a tool, in characters. What does not fit goes on in the schema's description. */
  readonly maxDescriptionLength: number
  /** What names of properties must look like; undefined where anything goes. */
  readonly propertyName: RegExp | undefined
  /** Whether a `pattern` may look around or refer back. */
  readonly lookaround: boolean
  /** The formats it knows; undefined where it passes over those it does not. */
  readonly formats: ReadonlySet<string> | undefined
  /** Keywords it takes; others move into the description. */
  readonly keywords: ReadonlySet<string>
  /** The longest lowered schema as JSON, in characters. */
  readonly maxSchemaBytes: number
  /** The longest result of a call, in characters. Longer ones are cut, see `ResultOptions`. */
  readonly maxResultLength: number
}

/** What every provider takes when it does not enforce schemas. */
const commonKeywords = [
  'type',
  'title',
  'description',
  'default',
  'examples',
  'deprecated',
  'readOnly',
  'writeOnly',
  'enum',
  'anyOf',
  'oneOf',
  'properties',
  'required',
  'additionalProperties',
  'minProperties',
  'maxProperties',
  'items',
  'minItems',
  'maxItems',
  'uniqueItems',
  'minLength',
  'maxLength',
  'pattern',
  'format',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
]
const enforced = [
  'type',
  'description',
  'enum',
  'anyOf',
  'properties',
  'required',
  'additionalProperties',
  'items',
  'minItems',
  'maxItems',
  'pattern',
  'format',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
]
const enforcedFormats = ['date-time', 'time', 'date', 'duration', 'email', 'hostname', 'ipv4', 'ipv6', 'uuid']

/** Ours, where a provider names no number: more than any tool with a schema of 64 KiB becomes. */
const maxSchemaBytes = 131_072

const openai: ProviderRules = {
  provider: 'openai',
  strict: false,
  maxTools: 128,
  maxDescriptionLength: 1_024,
  propertyName: undefined,
  lookaround: false,
  formats: undefined,
  keywords: new Set(commonKeywords),
  maxSchemaBytes,
  maxResultLength: 400_000,
}
const openaiStrict: ProviderRules = {
  ...openai,
  provider: 'openai-strict',
  strict: true,
  formats: new Set(enforcedFormats),
  keywords: new Set(enforced),
}

/** The rules of each format. */
export const providerRules: { readonly [name in ProviderName]: ProviderRules } = {
  openai,
  'openai-chat': { ...openai, provider: 'openai-chat' },
  'openai-strict': openaiStrict,
  'openai-chat-strict': { ...openaiStrict, provider: 'openai-chat-strict' },
  anthropic: {
    ...openai,
    provider: 'anthropic',
    maxTools: 1_024,
    maxDescriptionLength: 16_384,
    propertyName: /^[a-zA-Z0-9_.-]{1,64}$/,
    lookaround: true,
  },
  mistralai: {
    ...openai,
    provider: 'mistralai',
    maxTools: 1_024,
    maxDescriptionLength: 16_384,
    lookaround: true,
    maxResultLength: 256_000,
  },
}

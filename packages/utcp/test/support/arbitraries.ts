// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of UTCP are written like this
import fc from 'fast-check'

const name = fc.oneof(
  { arbitrary: fc.constantFrom('a', 'b.c', 'my tool', 'constructor', 'ünï', '', '$ref'), weight: 20 },
  { arbitrary: fc.string({ maxLength: 6 }).filter((each) => each !== '__proto__'), weight: 20 },
  { arbitrary: fc.constant('__proto__'), weight: 1 },
)
const junk = fc.oneof(
  { maxDepth: 2 },
  fc.jsonValue({ maxDepth: 2 }).filter((each) => !JSON.stringify(each).includes('__proto__')),
  fc.constantFrom(null, 0, '', [], {}),
)

/** Mostly the value, sometimes nothing, null, or something else altogether. */
function rarely<T>(value: fc.Arbitrary<T>): fc.Arbitrary<unknown> {
  return fc.oneof(
    { arbitrary: value, weight: 40 },
    { arbitrary: fc.constantFrom(null, undefined), weight: 2 },
    { arbitrary: junk, weight: 1 },
  )
}

function object(members: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<Record<string, unknown>> {
  return fc
    .tuple(fc.record(members, { requiredKeys: [] }), fc.dictionary(name, junk, { maxKeys: 2 }))
    .map(([known, more]) => ({ ...more, ...known }))
}

const text = fc.constantFrom('x', '$A', '${B}', 'https://x.example/{id}', '', '$ref')
const texts = fc.array(text, { maxLength: 3 })
const map = fc.dictionary(name, rarely(text), { maxKeys: 3 })

/** Anything that is or was meant to be a JSON Schema. */
export const jsonSchema: fc.Arbitrary<unknown> = fc.letrec<{ schema: unknown }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 3 },
    fc.boolean(),
    object({
      type: rarely(
        fc.oneof(fc.constantFrom('object', 'string', 'number', 'any', 'file'), fc.constant(['string', 'null'])),
      ),
      properties: rarely(fc.dictionary(name, tie('schema'), { maxKeys: 3 })),
      items: rarely(fc.oneof(tie('schema'), fc.array(tie('schema'), { maxLength: 2 }))),
      required: rarely(fc.oneof(texts, fc.boolean())),
      enum: rarely(fc.array(junk, { maxLength: 3 })),
      const: junk,
      default: junk,
      examples: rarely(fc.oneof(fc.array(junk, { maxLength: 2 }), fc.dictionary(name, junk, { maxKeys: 2 }))),
      additionalProperties: rarely(fc.oneof(fc.boolean(), tie('schema'))),
      anyOf: rarely(fc.array(tie('schema'), { maxLength: 2 })),
      minimum: rarely(fc.oneof(fc.integer(), fc.constant('5'))),
      description: rarely(text),
      $ref: rarely(text),
    }),
  ),
})).schema

const auth = object({
  auth_type: fc.constantFrom('api_key', 'basic', 'oauth2', 'oauth2_user', 'magic'),
  ...Object.fromEntries(
    [
      'api_key',
      'var_name',
      'username',
      'password',
      'token_url',
      'client_id',
      'client_secret',
      'scope',
      'access_token',
      'prefix',
    ].map((member) => [member, rarely(text)]),
  ),
  location: rarely(fc.constantFrom('header', 'query', 'cookie', 'body')),
})

/** Leaves out members that are not there. */
function sound(
  members: Readonly<Record<string, fc.Arbitrary<unknown>>>,
  optional: Readonly<Record<string, fc.Arbitrary<unknown>>> = {},
): fc.Arbitrary<Record<string, unknown>> {
  const all = fc.record({ ...members, ...optional }, { requiredKeys: Object.keys(members) })
  return fc
    .tuple(all, fc.dictionary(fc.constantFrom('x-a', 'x-b'), junk, { maxKeys: 1 }))
    .map(([known, more]) => ({ ...more, ...known }))
}

const nullable = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<unknown> => fc.option(value, { freq: 6 })
const filled = fc.oneof(
  fc.constantFrom('x', 'y', 'z', 'https://x.example/{id}', '$A', '$$A'),
  fc.string({ minLength: 1, maxLength: 5 }).map((each) => each.replaceAll('$', 's')),
)
const soundAuth = fc.oneof(
  sound(
    { auth_type: fc.constant('api_key'), api_key: filled },
    { var_name: nullable(filled), location: nullable(fc.constantFrom('header', 'query', 'cookie')) },
  ),
  sound({ auth_type: fc.constant('basic'), username: filled, password: filled }),
  sound(
    { auth_type: fc.constant('oauth2'), token_url: filled, client_id: filled, client_secret: filled },
    { scope: nullable(filled) },
  ),
  sound({ auth_type: fc.constant('oauth2_user'), access_token: filled }, { prefix: nullable(filled) }),
)
const common = {
  name: nullable(filled),
  auth: nullable(soundAuth),
  allowed_communication_protocols: nullable(fc.constant(['http', 'sse'])),
}
const request = {
  ...common,
  headers: nullable(fc.dictionary(fc.constantFrom('a', 'B-c'), nullable(filled))),
  header_fields: nullable(fc.constant(['h'])),
  body_field: nullable(filled),
}
const soundTemplate = fc.oneof(
  sound(
    { call_template_type: fc.constant('http'), url: filled },
    {
      ...request,
      http_method: nullable(fc.constantFrom('GET', 'POST')),
      content_type: nullable(filled),
      auth_tools: nullable(soundAuth),
    },
  ),
  sound(
    { call_template_type: fc.constant('sse'), url: filled },
    { ...request, event_type: nullable(filled), reconnect: nullable(fc.boolean()), retry_timeout: nullable(fc.nat()) },
  ),
  sound(
    { call_template_type: fc.constant('streamable_http'), url: filled },
    { ...request, chunk_size: nullable(fc.integer({ min: 1 })), timeout: nullable(fc.nat()) },
  ),
  sound(
    {
      call_template_type: fc.constant('cli'),
      commands: fc.array(sound({ command: filled }), { minLength: 1, maxLength: 2 }),
    },
    common,
  ),
  sound({ call_template_type: fc.constant('udp'), host: filled, port: fc.integer({ min: 1, max: 9 }) }, common),
)

const wildTemplate: fc.Arbitrary<unknown> = rarely(
  object({
    name: rarely(name),
    call_template_type: fc.oneof(
      { arbitrary: fc.constantFrom('http', 'sse', 'streamable_http'), weight: 5 },
      fc.constantFrom('cli', 'text', 'file', 'mcp', 'tcp', 'udp', 'websocket', 'graphql', 'direct-call', 'grpc', ''),
    ),
    ...{ url: rarely(text), auth: rarely(auth), auth_tools: rarely(auth), headers: rarely(map) },
    ...{
      http_method: rarely(fc.constantFrom('GET', 'POST', 'get')),
      body_field: rarely(text),
      header_fields: rarely(texts),
    },
    ...{
      allowed_communication_protocols: rarely(texts),
      timeout: rarely(fc.nat()),
      content: rarely(text),
      file_path: rarely(text),
    },
    ...{ host: rarely(text), port: rarely(fc.nat()), callable_name: rarely(text), command_name: rarely(text) },
    commands: rarely(fc.array(object({ command: rarely(text) }), { maxLength: 2 })),
    config: rarely(
      object({
        mcpServers: rarely(fc.dictionary(name, object({ command: rarely(text), url: rarely(text) }), { maxKeys: 2 })),
      }),
    ),
    ...{ provider_type: rarely(fc.constantFrom('http', 'http_stream')), method: rarely(text) },
  }),
)

/** Call templates of all types, some of them wrong somewhere. */
export const callTemplate: fc.Arbitrary<unknown> = fc.oneof(
  { arbitrary: soundTemplate, weight: 4 },
  { arbitrary: wildTemplate, weight: 1 },
)

const soundTool = sound(
  { name: filled, tool_call_template: callTemplate },
  {
    description: nullable(text),
    tags: nullable(texts),
    inputs: nullable(jsonSchema),
    outputs: nullable(jsonSchema),
    average_response_size: nullable(fc.nat()),
  },
)
const legacyTool = sound({
  name: filled,
  tool_provider: sound({ provider_type: fc.constantFrom('http', 'http_stream'), url: filled }),
})
const wildTool = rarely(
  object({
    ...{
      name: rarely(name),
      description: rarely(text),
      tags: rarely(texts),
      inputs: rarely(jsonSchema),
      outputs: rarely(jsonSchema),
    },
    ...{ average_response_size: rarely(fc.nat()), tool_call_template: callTemplate, tool_provider: callTemplate },
  }),
)

const tool = fc.oneof(
  { arbitrary: soundTool, weight: 6 },
  { arbitrary: legacyTool, weight: 1 },
  { arbitrary: wildTool, weight: 2 },
)

/** Manuals, many of them wrong somewhere; all have a list of tools. */
export const manual: fc.Arbitrary<Record<string, unknown>> = fc
  .tuple(
    fc.oneof(
      { arbitrary: sound({}, { utcp_version: nullable(text), manual_version: nullable(text), info: junk }), weight: 6 },
      { arbitrary: object({ utcp_version: text, manual_version: text, version: rarely(text), info: junk }), weight: 1 },
    ),
    fc.array(tool, { maxLength: 4 }),
  )
  .map(([head, tools]) => ({ ...head, tools }))

/** Manuals, and things that are none. */
export const anyManual: fc.Arbitrary<unknown> = fc.oneof(
  { arbitrary: manual, weight: 8 },
  { arbitrary: object({ tools: rarely(fc.array(tool, { maxLength: 2 })), utcp_version: rarely(text) }), weight: 2 },
  junk,
)

const plugin = (member: string, types: readonly string[]): fc.Arbitrary<unknown> =>
  rarely(
    object({
      [member]: rarely(fc.constantFrom(...types)),
      limit: rarely(fc.nat()),
      exclude_keys: rarely(texts),
      only_include_tools: rarely(texts),
      tag_weight: rarely(fc.integer()),
    }),
  )

const soundConfig = sound(
  {},
  {
    variables: nullable(fc.dictionary(fc.constantFrom('A', 'x_A', 'x_B', '__A'), fc.constantFrom('', 'v', '$A'))),
    load_variables_from: nullable(fc.constant([{ variable_loader_type: 'environment' }])),
    tool_repository: nullable(fc.constant({ tool_repository_type: 'in_memory' })),
    tool_search_strategy: nullable(
      sound({ tool_search_strategy_type: fc.constantFrom('tag_and_description_word_match', 'bm25') }),
    ),
    post_processing: nullable(
      fc.array(sound({ tool_post_processor_type: fc.constantFrom('filter_dict', 'limit_strings') })),
    ),
    manual_call_templates: nullable(fc.array(soundTemplate, { maxLength: 3 })),
  },
)

const wildConfig: fc.Arbitrary<unknown> = rarely(
  object({
    variables: rarely(map),
    load_variables_from: rarely(fc.array(plugin('variable_loader_type', ['environment', 'dotenv']), { maxLength: 2 })),
    tool_repository: rarely(plugin('tool_repository_type', ['in_memory', 'nope'])),
    tool_search_strategy: rarely(
      plugin('tool_search_strategy_type', ['tag_and_description_word_match', 'bm25', 'nope']),
    ),
    post_processing: rarely(
      fc.array(plugin('tool_post_processor_type', ['filter_dict', 'limit_strings', 'nope']), { maxLength: 2 }),
    ),
    manual_call_templates: rarely(fc.array(callTemplate, { maxLength: 2 })),
    providers_file_path: fc.constantFrom(undefined, undefined, undefined, null, 'x'),
  }),
)

/** Configurations of clients, some of them wrong somewhere. */
export const anyConfig: fc.Arbitrary<unknown> = fc.oneof(
  { arbitrary: soundConfig, weight: 2 },
  { arbitrary: wildConfig, weight: 1 },
)

import * as z from 'zod'
import { type ShapeCheck, shapeCheck, text, textList, texts } from './check-shape.ts'

const optional = {
  text: z.string().optional(),
  texts: texts.optional(),
  textList: textList.optional(),
  flag: z.boolean().optional(),
  count: z.int().nonnegative().optional(),
  duration: z.number().nonnegative().optional(),
}

const headers = texts.optional()

const requestFields = { url: text, headers, header_fields: optional.textList }
const socket = {
  host: text,
  port: z.int().min(1).max(65_535),
  request_data_format: z.enum(['json', 'text']).optional(),
  request_data_template: optional.text,
  response_byte_format: z.string().nullish(),
  timeout: optional.duration,
}

const oneOf =
  (...names: string[]) =>
  (template: Readonly<Record<string, unknown>>) =>
    names.some((name) => template[name] !== undefined)
      ? undefined
      : {
          member: names[0] ?? '',
          problem: names.length === 1 ? 'is missing' : `is missing (or ${names.slice(1).join(', ')})`,
        }

/** The call templates that UTCP names, by type. `auth_tools` is checked with the parsers of auth. */
export const knownTemplates: ReadonlyMap<string, ShapeCheck> = new Map([
  [
    'http',
    shapeCheck({
      ...requestFields,
      http_method: z.enum(['GET', 'POST', 'PUT', 'DELETE', 'PATCH']).optional(),
      content_type: optional.text,
      body_field: optional.text,
      auth_tools: z.unknown().optional(),
    }),
  ],
  [
    'sse',
    shapeCheck({
      ...requestFields,
      event_type: optional.text,
      reconnect: optional.flag,
      retry_timeout: optional.duration,
      body_field: optional.text,
    }),
  ],
  [
    'streamable_http',
    shapeCheck({
      ...requestFields,
      http_method: z.enum(['GET', 'POST']).optional(),
      content_type: optional.text,
      chunk_size: z.int().positive().optional(),
      timeout: optional.duration,
      body_field: optional.text,
    }),
  ],
  [
    'cli',
    shapeCheck(
      {
        commands: z
          .array(z.looseObject({ command: text, append_to_final_output: z.boolean().nullish() }))
          .min(1, 'must have at least one command')
          .optional(),
        command_name: text.optional(),
        env_vars: headers,
        inherit_env_vars: optional.textList,
        working_dir: optional.text,
      },
      { refine: oneOf('commands', 'command_name', 'command') },
    ),
  ],
  [
    'text',
    shapeCheck(
      {
        content: optional.text,
        file_path: text.optional(),
        base_url: optional.text,
        auth_tools: z.unknown().optional(),
      },
      { refine: oneOf('content', 'file_path') },
    ),
  ],
  ['file', shapeCheck({ file_path: text, auth_tools: z.unknown().optional() })],
  [
    'mcp',
    shapeCheck({
      config: z.looseObject({
        mcpServers: z.record(
          z.string(),
          z.looseObject({
            transport: z.string().nullish(),
            type: z.string().nullish(),
            command: z.union([text, z.array(z.string()).min(1)]).nullish(),
            args: textList.nullish(),
            cwd: z.string().nullish(),
            env: z.record(z.string(), z.string().nullable()).nullish(),
            url: z.string().nullish(),
            headers: z.record(z.string(), z.string().nullable()).nullish(),
            timeout: z.number().nonnegative().nullish(),
            sse_read_timeout: z.number().nonnegative().nullish(),
            terminate_on_close: z.boolean().nullish(),
          }),
        ),
      }),
      register_resources_as_tools: optional.flag,
    }),
  ],
  [
    'tcp',
    shapeCheck(
      {
        ...socket,
        framing_strategy: z.enum(['length_prefix', 'delimiter', 'fixed_length', 'stream']).optional(),
        length_prefix_bytes: z.union([z.literal(1), z.literal(2), z.literal(4), z.literal(8)]).optional(),
        length_prefix_endian: z.enum(['big', 'little']).optional(),
        message_delimiter: optional.text,
        interpret_escape_sequences: optional.flag,
        fixed_message_length: optional.count,
        max_response_size: optional.count,
      },
      { keepNull: ['response_byte_format'] },
    ),
  ],
  [
    'udp',
    shapeCheck({ ...socket, number_of_response_datagrams: optional.count }, { keepNull: ['response_byte_format'] }),
  ],
  [
    'websocket',
    shapeCheck({
      ...requestFields,
      message: z.union([z.string(), z.record(z.string(), z.unknown())]).optional(),
      protocol: optional.text,
      keep_alive: optional.flag,
      response_format: z.enum(['json', 'text', 'raw']).optional(),
      timeout: optional.duration,
    }),
  ],
  [
    'graphql',
    shapeCheck({
      ...requestFields,
      operation_type: z.enum(['query', 'mutation', 'subscription']).optional(),
      operation_name: optional.text,
      query: optional.text,
      variable_types: optional.texts,
    }),
  ],
  ['direct-call', shapeCheck({ callable_name: text })],
])

/** The ways of auth that UTCP names, by type. */
export const knownAuths: ReadonlyMap<string, ShapeCheck> = new Map([
  [
    'api_key',
    shapeCheck({
      api_key: text,
      var_name: text.optional(),
      location: z.enum(['header', 'query', 'cookie']).optional(),
    }),
  ],
  ['basic', shapeCheck({ username: z.string(), password: z.string() })],
  ['oauth2', shapeCheck({ token_url: text, client_id: text, client_secret: z.string(), scope: optional.text })],
  [
    'oauth2_user',
    shapeCheck({
      access_token: text,
      grant_type: z.enum(['device_code', 'authorization_code']).optional(),
      token_endpoint: optional.text,
      client_id: optional.text,
      scope: optional.text,
      device_authorization_endpoint: optional.text,
      authorization_endpoint: optional.text,
      var_name: optional.text,
      prefix: optional.text,
    }),
  ],
])

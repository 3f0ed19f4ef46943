import type { Auth, CallTemplate } from './models.ts'

/** `http`: one request, one answer. */
export interface HttpCallTemplate extends CallTemplate {
  readonly call_template_type: 'http'
  /** May hold `{name}` for arguments. */
  readonly url: string
  /** @default 'GET' */
  readonly http_method?: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH'
  /** @default 'application/json' */
  readonly content_type?: string
  readonly headers?: Readonly<Record<string, string>>
  /** The argument that is the body. @default 'body' */
  readonly body_field?: string
  /** The arguments that are headers. */
  readonly header_fields?: readonly string[]
  /** For the tools that are made of an OpenAPI document. */
  readonly auth_tools?: Auth
}

/** `sse`: a stream of server-sent events. */
export interface SseCallTemplate extends CallTemplate {
  readonly call_template_type: 'sse'
  readonly url: string
  /** Only events of this type. @default all */
  readonly event_type?: string
  /** @default true */
  readonly reconnect?: boolean
  /** The wait before a reconnect, in milliseconds. @default 30_000 */
  readonly retry_timeout?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body_field?: string
  readonly header_fields?: readonly string[]
}

/** `streamable_http`: an answer read in pieces. */
export interface StreamableHttpCallTemplate extends CallTemplate {
  readonly call_template_type: 'streamable_http'
  readonly url: string
  /** @default 'GET' */
  readonly http_method?: 'GET' | 'POST'
  /** @default 'application/octet-stream' */
  readonly content_type?: string
  /** In bytes. @default 4096 */
  readonly chunk_size?: number
  /** For the whole call, in milliseconds. @default 60_000 */
  readonly timeout?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body_field?: string
  readonly header_fields?: readonly string[]
}

/** `cli`: a program (`command_name`), or a script of commands. */
export interface CliCallTemplate extends CallTemplate {
  readonly call_template_type: 'cli'
  /** The form of 1.1. Variables in commands are filled in as `${NAME}` only, and only where they have a value. */
  readonly commands?: readonly CliCommand[]
  /** The form of 1.0: a program and its arguments, started without a shell. */
  readonly command_name?: string
  readonly env_vars?: Readonly<Record<string, string>>
  /** @default a short list of harmless ones */
  readonly inherit_env_vars?: readonly string[]
  readonly working_dir?: string
}

/** One step of a {@link CliCallTemplate}. */
export interface CliCommand {
  readonly command: string
  /** @default only the last one's */
  readonly append_to_final_output?: boolean
  readonly [member: string]: unknown
}

/** `text`: a manual or a result written into the template (`content`), or in a file (`file_path`, the form of 1.0). */
export interface TextCallTemplate extends CallTemplate {
  readonly call_template_type: 'text'
  /** Taken as it is: no variables. */
  readonly content?: string
  readonly file_path?: string
  readonly base_url?: string
  readonly auth_tools?: Auth
}

/** `file`: a manual or a result in a file. */
export interface FileCallTemplate extends CallTemplate {
  readonly call_template_type: 'file'
  readonly file_path: string
  readonly auth_tools?: Auth
}

/** `mcp`: servers of the Model Context Protocol. */
export interface McpCallTemplate extends CallTemplate {
  readonly call_template_type: 'mcp'
  readonly config: {
    readonly mcpServers: Readonly<Record<string, McpServerEntry>>
    readonly [member: string]: unknown
  }
  /** @default false */
  readonly register_resources_as_tools?: boolean
}

/** One server of a {@link McpCallTemplate}: `command` starts one, `url` reaches one. */
export interface McpServerEntry {
  readonly transport?: string
  /** An alias of `transport`. */
  readonly type?: string
  readonly command?: string | readonly string[]
  readonly args?: readonly string[]
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly url?: string
  readonly headers?: Readonly<Record<string, string>>
  /** In seconds. @default 30 */
  readonly timeout?: number
  /** In seconds. @default 300 */
  readonly sse_read_timeout?: number
  /** @default true */
  readonly terminate_on_close?: boolean
  readonly [member: string]: unknown
}

/** What `tcp` and `udp` share. */
interface SocketCallTemplate extends CallTemplate {
  readonly host: string
  readonly port: number
  /** @default 'json' */
  readonly request_data_format?: 'json' | 'text'
  readonly request_data_template?: string
  /** The answer's encoding; null gives bytes, so here null is not the same as absent. @default 'utf-8' */
  readonly response_byte_format?: string | null
  /** In milliseconds. @default 30_000 */
  readonly timeout?: number
}

/** `tcp`: one connection a call. */
export interface TcpCallTemplate extends SocketCallTemplate {
  readonly call_template_type: 'tcp'
  /** @default 'stream' */
  readonly framing_strategy?: 'length_prefix' | 'delimiter' | 'fixed_length' | 'stream'
  /** @default 4 */
  readonly length_prefix_bytes?: 1 | 2 | 4 | 8
  /** @default 'big' */
  readonly length_prefix_endian?: 'big' | 'little'
  /** @default NUL */
  readonly message_delimiter?: string
  /** @default true */
  readonly interpret_escape_sequences?: boolean
  readonly fixed_message_length?: number
  /** In bytes. @default 65_536 */
  readonly max_response_size?: number
}

/** `udp`: datagrams. */
export interface UdpCallTemplate extends SocketCallTemplate {
  readonly call_template_type: 'udp'
  /** @default 1 */
  readonly number_of_response_datagrams?: number
}

/** `websocket`: one message, one answer, or a stream of them. */
export interface WebSocketCallTemplate extends CallTemplate {
  readonly call_template_type: 'websocket'
  readonly url: string
  readonly message?: string | Readonly<Record<string, unknown>>
  readonly protocol?: string
  /** @default true */
  readonly keep_alive?: boolean
  readonly response_format?: 'json' | 'text' | 'raw'
  /** In seconds. @default 30 */
  readonly timeout?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly header_fields?: readonly string[]
}

/** `graphql`: one field of a schema, or a document. */
export interface GraphqlCallTemplate extends CallTemplate {
  readonly call_template_type: 'graphql'
  readonly url: string
  /** @default 'query' */
  readonly operation_type?: 'query' | 'mutation' | 'subscription'
  readonly operation_name?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly header_fields?: readonly string[]
  /** Taken as it is: `$id` in here is a variable of GraphQL. */
  readonly query?: string
  readonly variable_types?: Readonly<Record<string, string>>
}

/** `direct-call`: a function of the process, by its name. */
export interface DirectCallTemplate extends CallTemplate {
  readonly call_template_type: 'direct-call'
  readonly callable_name: string
}

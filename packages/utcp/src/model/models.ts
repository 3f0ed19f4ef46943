import type { JsonSchema } from '@atp/core'

/**
 * How to reach a tool or a manual over one protocol. Open: members that no model knows are kept and written back.
 * Members are as they travel, in snake_case.
 */
export interface CallTemplate {
  /** Of a manual: the name its tools are registered under. Each character that is no letter, digit or `_` becomes `_`. */
  readonly name?: string
  /** Which protocol serves it, such as `http`. */
  readonly call_template_type: string
  readonly auth?: Auth
  /**
   * Of a manual: which protocols its tools may use.
   * @default only the manual's own
   */
  readonly allowed_communication_protocols?: readonly string[]
  readonly [member: string]: unknown
}

/** How a request proves who it comes from; open as {@link CallTemplate} is. */
export interface Auth {
  readonly auth_type: string
  readonly [member: string]: unknown
}

/** A key in a header, a query or a cookie. A bearer token is a key `Bearer ${TOKEN}` with `var_name` `Authorization`. */
export interface ApiKeyAuth extends Auth {
  readonly auth_type: 'api_key'
  readonly api_key: string
  /** @default 'X-Api-Key' */
  readonly var_name?: string
  /** @default 'header' */
  readonly location?: 'header' | 'query' | 'cookie'
}

/** HTTP Basic (RFC 7617). */
export interface BasicAuth extends Auth {
  readonly auth_type: 'basic'
  readonly username: string
  readonly password: string
}

/** OAuth 2 client credentials (RFC 6749, 4.4). */
export interface OAuth2Auth extends Auth {
  readonly auth_type: 'oauth2'
  readonly token_url: string
  readonly client_id: string
  readonly client_secret: string
  readonly scope?: string
}

/** A user's token that something else got; the client only sends it. */
export interface OAuth2UserAuth extends Auth {
  readonly auth_type: 'oauth2_user'
  readonly access_token: string
  readonly grant_type?: 'device_code' | 'authorization_code'
  readonly token_endpoint?: string
  readonly client_id?: string
  readonly scope?: string
  readonly device_authorization_endpoint?: string
  readonly authorization_endpoint?: string
  /** @default 'Authorization' */
  readonly var_name?: string
  /** @default 'Bearer ' */
  readonly prefix?: string
}

/** A tool that a manual describes; open as {@link CallTemplate} is. Registered ones are frozen. */
export interface Tool {
  /** Registered: `manual.tool`. */
  readonly name: string
  readonly description: string
  /** The schema of the arguments: an object's. */
  readonly inputs: JsonSchema
  /** The schema of the result. */
  readonly outputs: JsonSchema
  readonly tags: readonly string[]
  /** How large an answer commonly is, in bytes. */
  readonly average_response_size?: number
  readonly tool_call_template: CallTemplate
  readonly [member: string]: unknown
}

/** A list of tools as it travels; open as {@link CallTemplate} is. */
export interface UtcpManual {
  readonly utcp_version: string
  readonly manual_version: string
  readonly tools: readonly Tool[]
  readonly [member: string]: unknown
}

/** Something that was wrong with what was read and did not stop the reading. */
export interface UtcpWarning {
  /** The member, such as `tools[3].tool_call_template.url`. */
  readonly path: string
  readonly message: string
  /** The tool that was left out or changed. */
  readonly tool?: string
  /** Its call template's type, where that is the reason. */
  readonly callTemplateType?: string
}

/** What registering a manual came to. */
export interface RegisterManualResult {
  /** As it was given, with its final name; variables are not filled in. */
  readonly manualCallTemplate: CallTemplate
  /** What was registered: tools with their full names. Empty where `success` is false. */
  readonly manual: UtcpManual
  readonly success: boolean
  readonly errors: readonly string[]
  /** What was left out or read in an older form. */
  readonly warnings: readonly UtcpWarning[]
}

/** The version of UTCP that this client writes. */
export const utcpVersion = '1.0.1'

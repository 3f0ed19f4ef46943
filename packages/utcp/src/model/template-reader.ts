import * as z from 'zod'
import { UtcpValidationError } from '../errors/utcp-error.ts'
import { shapeCheck, text, textList } from './check-shape.ts'
import { copyJson, isObject, type ValidationCode } from './copy-json.ts'
import { joinPath } from './json-path.ts'
import { knownAuths, knownTemplates } from './known-templates.ts'
import { convertLegacyTemplate } from './legacy.ts'
import type { Auth, CallTemplate, UtcpWarning } from './models.ts'

/** Reads call templates of one type. Give one to a client for a protocol of your own that has members to check. */
export interface CallTemplateParser {
  readonly callTemplateType: string
  /**
   * Checks a template and returns it, perhaps changed. Its base members are checked already, variables are not filled in.
   * @throws UtcpValidationError with `path` and the member's name behind it
   */
  parse(template: CallTemplate, path: string): CallTemplate
}

/** Reads one type of auth. */
export interface AuthParser {
  readonly authType: string
  /**
   * Checks and returns it, perhaps changed. Variables are not filled in.
   * @throws UtcpValidationError with `path` and the member's name behind it
   */
  parse(auth: Auth, path: string): Auth
}

const baseMembers = shapeCheck({
  name: z.string().optional(),
  call_template_type: text,
  auth: z.unknown().optional(),
  allowed_communication_protocols: textList.optional(),
})

/** Reads call templates with the parsers of one client: nothing is shared between clients. */
export class TemplateReader {
  readonly #templates = new Map<string, CallTemplateParser>()
  readonly #auths = new Map<string, AuthParser>()

  /** Later parsers of a type win over earlier ones, and all of them over those of UTCP itself. */
  constructor(parsers: { callTemplates?: readonly CallTemplateParser[]; auths?: readonly AuthParser[] } = {}) {
    for (const parser of parsers.callTemplates ?? []) this.#templates.set(parser.callTemplateType, parser)
    for (const parser of parsers.auths ?? []) this.#auths.set(parser.authType, parser)
  }

  /**
   * Reads a template from JSON; one of UTCP 0.x is converted. A type that no parser knows is taken as it is: whether
   * there is a protocol for it is the client's question.
   * @throws UtcpValidationError
   */
  read(value: unknown, path: string, onWarning: (warning: UtcpWarning) => void, code?: ValidationCode): CallTemplate {
    const refusal = code ?? 'invalid_call_template'
    if (!isObject(value)) throw new UtcpValidationError(refusal, path, 'must be an object')
    return this.readCopied(copyJson(value, path, refusal), path, onWarning, refusal)
  }

  /** As {@link read}, for JSON that `copyJson` made. */
  readCopied(
    value: unknown,
    path: string,
    onWarning: (warning: UtcpWarning) => void,
    code: ValidationCode = 'invalid_call_template',
  ): CallTemplate {
    if (!isObject(value)) throw new UtcpValidationError(code, path, 'must be an object')
    const converted = convertLegacyTemplate(value, path, onWarning)
    const base = baseMembers.check(converted, path, code) as Record<string, unknown> & { call_template_type: string }
    if (base.auth !== undefined) base.auth = this.#readAuth(base.auth, joinPath(path, 'auth'), code)
    const type = base.call_template_type
    const checked = knownTemplates.get(type)?.check(base, path, code) ?? base
    if (checked.auth_tools !== undefined) {
      checked.auth_tools = this.#readAuth(checked.auth_tools, joinPath(path, 'auth_tools'), code)
    }
    const template = checked as CallTemplate
    return Object.freeze(this.#templates.get(type)?.parse(template, path) ?? template)
  }

  #readAuth(value: unknown, path: string, code: ValidationCode): Auth {
    if (!isObject(value)) throw new UtcpValidationError(code, path, 'must be an object')
    const type = value.auth_type
    if (typeof type !== 'string') throw new UtcpValidationError(code, joinPath(path, 'auth_type'), 'is missing')
    const known = knownAuths.get(type)
    const own = this.#auths.get(type)
    if (known === undefined && own === undefined) {
      // Calling without the credential would be worse than not calling.
      throw new UtcpValidationError(code, joinPath(path, 'auth_type'), `"${type.slice(0, 100)}" is not known here`)
    }
    const auth = (known?.check(value, path, code) ?? value) as Auth
    return Object.freeze(own?.parse(auth, path) ?? auth)
  }
}

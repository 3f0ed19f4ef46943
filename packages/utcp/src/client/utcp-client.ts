import { Emitter } from '@atp/core/protocol'
import type { UtcpClientConfig } from '../config/client-config.ts'
import { parseText } from '../config/parse-text.ts'
import { readConfig } from '../config/read-config.ts'
import { messageOf } from '../errors/to-utcp-error.ts'
import { UtcpError } from '../errors/utcp-error.ts'
import { Closing } from '../execution/call-scope.ts'
import type { CallTemplate, RegisterManualResult, Tool } from '../model/models.ts'
import { TemplateReader } from '../model/template-reader.ts'
import type { ToolArguments } from '../protocol/communication-protocol.ts'
import type { ConcurrentToolRepository } from '../repository/tool-repository.ts'
import type { ToolSearchStrategy } from '../search/tool-search-strategy.ts'
import { DefaultVariableSubstitutor } from '../variables/default-substitutor.ts'
import { environmentLoaderType } from '../variables/environment-loader.ts'
import { processEnvironment, toSettings, type UtcpClientOptions } from './client-options.ts'
import type { ClientParts, UtcpClientEvents } from './client-parts.ts'
import { protocolFor } from './discover.ts'
import { failed, ManualRegistrar, type RefreshManualResult } from './manual-registrar.ts'
import { closeAll, ProtocolSet } from './protocol-set.ts'
import { requiredVariables } from './required-variables.ts'
import { type CallOptions, ToolCaller } from './tool-caller.ts'
import { manualNameOf } from './tool-names.ts'
import { ToolPins } from './tool-pins.ts'

/**
 * Finds and calls tools described in manuals of the Universal Tool Calling Protocol, over the protocols it was given.
 * Nothing is shared between clients. Obligation: `close` it, or declare it with `await using`.
 */
export class UtcpClient implements AsyncDisposable {
  readonly #parts: ClientParts
  readonly #registrar: ManualRegistrar
  readonly #caller: ToolCaller
  readonly #search: ToolSearchStrategy
  readonly #closing: Closing
  readonly #ownsRepository: boolean
  #initialRegistrations: readonly RegisterManualResult[] = []
  #closed: Promise<void> | undefined

  private constructor(parts: ClientParts, search: ToolSearchStrategy, closing: Closing, ownsRepository: boolean) {
    this.#parts = parts
    this.#registrar = new ManualRegistrar(parts)
    this.#caller = new ToolCaller(parts)
    this.#search = search
    this.#closing = closing
    this.#ownsRepository = ownsRepository
  }

  /**
   * Makes a client and registers the manuals of its configuration, all at the same time. A discovery that fails shows in
   * `initialRegistrations`; anything else that fails closes what was made and is thrown.
   * @param config an object, or a text of JSON (comments and trailing commas are fine) or YAML; nothing is an empty one.
   *   For a file, see `@atp/utcp/node`.
   * @throws UtcpError `invalid_config` with the member's `path`, `unknown_type`
   * @throws UtcpUnknownCallTemplateTypeError for a manual that no protocol serves
   * @throws UtcpVariableNotFound with all that are missing
   */
  static async create(config: UtcpClientConfig | string = {}, options: UtcpClientOptions = {}): Promise<UtcpClient> {
    const settings = toSettings(options)
    const { logger, rootDir } = settings
    const templates = new TemplateReader({
      callTemplates: options.callTemplateParsers ?? [],
      auths: options.authParsers ?? [],
    })
    const given = typeof config === 'string' ? parseText(config) : config
    const protocols = await ProtocolSet.create(options.protocols ?? [])
    let repository: ConcurrentToolRepository | undefined
    try {
      const environment = options.environment ?? processEnvironment()
      const variableLoaders = [environmentLoaderType(environment), ...(options.variableLoaders ?? [])]
      const read = readConfig(given, { ...options, variableLoaders }, templates, { rootDir, logger })
      if (read.ownsRepository) repository = read.repository
      const closing = new Closing()
      const substitutor = options.variableSubstitutor ?? new DefaultVariableSubstitutor()
      const sources = {
        ...{ variables: {}, loaders: read.loaders, environment },
        bareNames: options.bareVariableNames ?? false,
      }
      const variables = await substitutor.substitute(read.variables, sources)
      const { pins } = options
      const parts: ClientParts = {
        ...{ settings, protocols, templates, substitutor, repository: read.repository },
        caller: { rootDir, logger },
        sources: { ...sources, variables },
        postProcessors: read.postProcessors,
        pins: pins ? new ToolPins(pins === true ? {} : pins) : undefined,
        events: new Emitter((event, error) =>
          logger.error('utcp.listener_failed', { event, reason: messageOf(error) }),
        ),
        closing,
      }
      const client = new UtcpClient(parts, read.searchStrategy, closing, read.ownsRepository)
      for (const { path, message } of read.warnings) logger.warn('utcp.config_warning', { path, message })
      await client.#registerInitial(read.manualCallTemplates)
      return client
    } catch (error) {
      const made = [{ part: 'protocols', close: () => protocols.closeOwned() }]
      if (repository?.close) made.push({ part: 'repository', close: async () => repository?.close?.() })
      await closeAll(made).catch((failure: unknown) => logger.warn('utcp.close_failed', { reason: messageOf(failure) }))
      throw error
    }
  }

  async #registerInitial(templates: readonly CallTemplate[]): Promise<void> {
    for (const [index, template] of templates.entries()) {
      protocolFor(this.#parts, template, `manual_call_templates[${index}]`)
    }
    const results = await this.#registrar.registerAll(templates, true)
    for (const { success, manualCallTemplate, errors } of results) {
      if (success) continue
      this.#parts.settings.logger.warn('utcp.registration_failed', { manual: manualCallTemplate.name, errors })
    }
    this.#initialRegistrations = results
  }

  /** What became of the manuals in the configuration. */
  get initialRegistrations(): readonly RegisterManualResult[] {
    return this.#initialRegistrations
  }

  /** The repository: read it as you like, change it through the client. */
  get repository(): ConcurrentToolRepository {
    return this.#parts.repository
  }

  /**
   * Registers a manual: its tools can be found and called as `manual.tool`. A discovery that fails is a result with
   * `success: false`.
   * @throws UtcpError `manual_exists`, `invalid_call_template` with the member's `path`
   * @throws UtcpUnknownCallTemplateTypeError
   * @throws UtcpVariableNotFound
   */
  async registerManual(
    manualCallTemplate: CallTemplate,
    options: { signal?: AbortSignal } = {},
  ): Promise<RegisterManualResult> {
    this.#checkOpen()
    return this.#registrar.register(this.#read(manualCallTemplate), options.signal)
  }

  /**
   * Registers manuals at the same time and waits for all. What `registerManual` would throw is a failed result.
   * @throws UtcpVariableNotFound when all are done, naming the variables missing in any of them
   */
  async registerManuals(manualCallTemplates: readonly CallTemplate[]): Promise<RegisterManualResult[]> {
    this.#checkOpen()
    const templates = manualCallTemplates.map((template, index) => {
      try {
        return this.#read(template, `manual_call_templates[${index}]`)
      } catch (error) {
        return error instanceof UtcpError ? error : new UtcpError('invalid_call_template', messageOf(error))
      }
    })
    const read = templates.filter((template): template is CallTemplate => !(template instanceof UtcpError))
    const results = await this.#registrar.registerAll(read)
    return templates.map((template, index) =>
      template instanceof UtcpError
        ? failed(manualCallTemplates[index] ?? { call_template_type: '' }, template)
        : (results.shift() as RegisterManualResult),
    )
  }

  /**
   * Removes a manual and its tools. Returns whether it was there.
   * @throws UtcpProtocolCloseError when it is removed, but its protocol could not let go of what it held
   */
  async deregisterManual(manualName: string): Promise<boolean> {
    this.#checkOpen()
    return this.#registrar.deregister(manualName)
  }

  /**
   * Looks at a manual again, with the ETag of the last time. What is different takes effect, and `manualChanged` tells
   * of it.
   * @throws UtcpError `manual_not_found`
   */
  async refreshManual(manualName: string, options: { signal?: AbortSignal } = {}): Promise<RefreshManualResult> {
    this.#checkOpen()
    return this.#registrar.refresh(manualName, options.signal)
  }

  /**
   * Calls a tool and returns its result.
   * @param toolName `manual.tool`
   * @throws UtcpError `tool_not_found`, `invalid_arguments`, `timeout`, `cancelled`, `busy`, … or what the protocol says
   * @throws UtcpVariableNotFound
   */
  async callTool(toolName: string, toolArgs: ToolArguments = {}, options: CallOptions = {}): Promise<unknown> {
    this.#registrar.refreshIfStale(manualNameOf(toolName))
    return this.#caller.call(toolName, toolArgs, options)
  }

  /**
   * Calls a tool and yields its result in pieces; a protocol without pieces yields the result once. Leaving the loop ends
   * the call. Errors as `callTool`, thrown by the loop.
   */
  callToolStreaming(
    toolName: string,
    toolArgs: ToolArguments = {},
    options: CallOptions = {},
  ): AsyncGenerator<unknown, void, undefined> {
    this.#registrar.refreshIfStale(manualNameOf(toolName))
    return this.#caller.stream(toolName, toolArgs, options)
  }

  /**
   * Finds the tools that fit a text, best first.
   * @param limit the most to return; 0 for all. @default 10
   * @param anyOfTagsRequired only tools with at least one of these tags
   */
  async searchTools(query: string, limit = 10, anyOfTagsRequired: readonly string[] = []): Promise<readonly Tool[]> {
    this.#checkOpen()
    this.#registrar.refreshAllStale()
    return this.#search.searchTools(this.#parts.repository, query, limit, anyOfTagsRequired)
  }

  /** A registered tool, or undefined. */
  async getTool(toolName: string): Promise<Tool | undefined> {
    this.#checkOpen()
    return this.#parts.repository.getTool(toolName)
  }

  /**
   * The full names of the variables that a manual and its tools need, without registering it. The tools are looked at
   * if all variables of the manual itself have values already.
   */
  async getRequiredVariablesForManualAndTools(manualCallTemplate: CallTemplate): Promise<readonly string[]> {
    this.#checkOpen()
    return requiredVariables(this.#parts, this.#read(manualCallTemplate))
  }

  /** The full names of the variables that a call of a tool needs. @throws UtcpError `tool_not_found` */
  async getRequiredVariablesForRegisteredTool(toolName: string): Promise<readonly string[]> {
    this.#checkOpen()
    const { tool, manualCallTemplate } = await this.#caller.find(toolName)
    return this.#parts.substitutor.findRequiredVariables(tool.tool_call_template, manualCallTemplate.name)
  }

  /** With the option `pins`: what all tools were like when they were pinned or accepted. Keep it for the next client. */
  pins(): Record<string, string> {
    return this.#parts.pins?.all() ?? {}
  }

  /** With the option `pins`: the tools that are refused because they changed, as they are now. */
  changedTools(): readonly Tool[] {
    const { pins } = this.#parts
    return (pins?.changedNames() ?? []).flatMap((name) => pins?.changed(name)?.tool ?? [])
  }

  /** With the option `pins`: takes a changed tool as it is now. Returns whether there was one of that name. */
  async acceptTool(toolName: string): Promise<boolean> {
    this.#checkOpen()
    return this.#registrar.acceptTool(toolName, manualNameOf(toolName))
  }

  /** Listens; returns an idempotent function that ends the listening. */
  on<E extends keyof UtcpClientEvents>(event: E, listener: (payload: UtcpClientEvents[E]) => void): () => void {
    return this.#parts.events.on(event, listener)
  }

  /**
   * Ends running calls with `client_closed`, then closes all that belongs to this client and waits for each part.
   * Closing again returns the same.
   * @throws UtcpProtocolCloseError with all failures
   */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    this.#closing.close(new UtcpError('client_closed', 'The client is closed'))
    await this.#registrar.idle()
    const { protocols, repository } = this.#parts
    const parts = [{ part: 'protocols', close: () => protocols.closeOwned() }]
    if (this.#ownsRepository) parts.push({ part: 'repository', close: async () => repository.close?.() })
    await closeAll(parts)
  }

  #read(template: CallTemplate, path = ''): CallTemplate {
    return this.#parts.templates.read(template, path, ({ path: where, message }) =>
      this.#parts.settings.logger.warn('utcp.template_warning', { path: where, message }),
    )
  }

  #checkOpen(): void {
    if (this.#closing.reason !== undefined) throw this.#closing.reason
  }
}

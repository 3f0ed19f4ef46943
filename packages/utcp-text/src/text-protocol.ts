import {
  type CallContext,
  type CallTemplate,
  type CommunicationProtocol,
  type DiscoveryContext,
  type FileCallTemplate,
  type ManualDiscovery,
  type ProtocolFactory,
  type TextCallTemplate,
  type TextFormat,
  type ToolArguments,
  type UtcpCaller,
  UtcpError,
  UtcpValidationError,
} from '@atp/utcp'
import { type FileAccess, openConfined } from './confined-file.ts'
import { type OpenApiConverter, readManualText } from './read-manual-text.ts'

/** How texts and files are read. */
export interface TextOptions {
  /** What relative paths are relative to, and what no path may leave. @default the client's, else the working directory */
  readonly rootDir?: string
  /** Lets paths leave the root, absolute ones and `..` among them. For manuals that you wrote yourself only. @default false */
  readonly allowOutsideRoot?: boolean
  /** Makes manuals of OpenAPI documents. @default they are refused with `unsupported` */
  readonly openApi?: OpenApiConverter
}

/**
 * Serves `text`: a manual or a result that stands in the template (`content`), or, in the form of UTCP 1.0, in a file
 * (`file_path`). A tool returns its text as it is. Files are read as {@link file} does.
 */
export function text(options: TextOptions = {}): ProtocolFactory {
  return () => new TextProtocol('text', options)
}

/**
 * Serves `file`: a manual or a result in a file of UTF-8, JSON or YAML by its ending. A tool returns its file's text as it
 * is. The file must be an ordinary one within `rootDir`, whatever links lead to it, and no larger than the client's
 * `maxResponseBytes`. Tools of manuals that come from elsewhere get no file unless the manual's own template lists `file`
 * in `allowed_communication_protocols` (rules C5, C7).
 */
export function file(options: TextOptions = {}): ProtocolFactory {
  return () => new TextProtocol('file', options)
}

class TextProtocol implements CommunicationProtocol {
  readonly callTemplateTypes: readonly string[]
  readonly #options: TextOptions

  constructor(type: 'text' | 'file', options: TextOptions) {
    this.callTemplateTypes = [type]
    this.#options = options
  }

  async registerManual(
    caller: UtcpCaller,
    template: CallTemplate,
    context: DiscoveryContext,
  ): Promise<ManualDiscovery> {
    context.signal.throwIfAborted()
    const { content, file_path: path } = template as TextCallTemplate
    // Tools are stored: what goes into them keeps its variables.
    const openApiContext = { template: context.declaredTemplate, signal: context.signal }
    const read = (written: string, format?: TextFormat): Promise<unknown> =>
      readManualText(written, format, this.#options.openApi, openApiContext)
    if (content !== undefined) return { manual: await read(content) }
    await using opened = await openConfined(pathOf(path), this.#access(caller, context))
    const validators = { etag: opened.version }
    if (context.validators?.etag === opened.version) return { notModified: true, validators }
    return { manual: await read(await opened.readText(), formatOf(pathOf(path))), validators }
  }

  async deregisterManual(): Promise<void> {}

  async callTool(
    caller: UtcpCaller,
    toolName: string,
    _args: ToolArguments,
    template: CallTemplate,
    context: CallContext,
  ): Promise<string> {
    context.signal.throwIfAborted()
    const { content, file_path: path } = template as TextCallTemplate | (FileCallTemplate & { content?: undefined })
    if (content !== undefined) return content
    mayReadFiles(toolName, context.manualCallTemplate)
    await using opened = await openConfined(pathOf(path), this.#access(caller, context))
    return await opened.readText()
  }

  async *callToolStreaming(
    ...call: Parameters<CommunicationProtocol['callToolStreaming']>
  ): AsyncGenerator<string, void, undefined> {
    yield await this.callTool(...call)
  }

  isIdempotent(): boolean {
    return true
  }

  async close(): Promise<void> {}

  #access({ rootDir }: UtcpCaller, { signal, maxResponseBytes }: DiscoveryContext | CallContext): FileAccess {
    return {
      rootDir: this.#options.rootDir ?? rootDir ?? process.cwd(),
      confined: !this.#options.allowOutsideRoot,
      ...{ signal, maxBytes: maxResponseBytes },
    }
  }
}

/**
 * A manual over http may list `text` for the sake of texts that it brings along; that opens no files (rule C5).
 * @throws UtcpError `protocol_not_allowed`
 */
function mayReadFiles(toolName: string, manual: CallTemplate): void {
  const { call_template_type: own, allowed_communication_protocols: allowed = [] } = manual
  if (own === 'file' || own === 'text' || allowed.includes('file')) return
  throw new UtcpError(
    'protocol_not_allowed',
    `"${toolName}" reads a file, which its manual may not: it comes over "${own}", and "file" is not in its allowed_communication_protocols`,
  )
}

function pathOf(path: string | undefined): string {
  if (path !== undefined && path !== '') return path
  throw new UtcpValidationError('invalid_call_template', 'file_path', 'is missing')
}

function formatOf(path: string): TextFormat | undefined {
  if (/\.jsonc?$/i.test(path)) return 'json'
  return /\.ya?ml$/i.test(path) ? 'yaml' : undefined
}

import '@utcp/http'
import { type CommunicationProtocol, UtcpClient } from '@atp/utcp'
import { UtcpClient as SdkClient, CommunicationProtocol as SdkProtocol, UtcpManualSerializer } from '@utcp/sdk'
import { serveParent } from '../children/serve-parent.ts'
import { corpusManual, corpusQueries } from '../load/tool-corpus.ts'
import { median } from '../report/statistics.ts'
import type { RegisterAnswer, SearchAnswer, UtcpToolsData } from '../systems/utcp-tools-system.ts'

/** What both clients are asked for. */
interface Searcher {
  searchTools(query: string, limit: number): Promise<readonly { name: string }[]>
}

const template = { name: 'corpus', call_template_type: 'http', url: 'https://api.example.com/utcp' }
/** As many as a model is shown. */
const limit = 10

// The SDK tells of every search; that is not what is measured, and would end up in the table.
console.log = () => {}

let text = ''
let register: () => Promise<Searcher>
let client: Searcher | undefined
const queries = corpusQueries()

/** Registers and searches many tools with one of the clients; both get the manual as the text it travels as. */
serveParent(
  ({ client: kind, size }: UtcpToolsData) => {
    text = corpusManual(size)
    register = registerWith[kind]
  },
  {
    /** A client of its own each time. */
    async register(): Promise<RegisterAnswer> {
      client = undefined
      const begin = performance.now()
      client = await register()
      return { ms: performance.now() - begin }
    },

    async search({ seconds, most }: { seconds: number; most: number }): Promise<SearchAnswer> {
      const firstMs = await timedSearch()
      const times: number[] = []
      const end = performance.now() + seconds * 1_000
      while (times.length < most && (times.length < 3 || performance.now() < end)) times.push(await timedSearch())
      return { firstMs, medianMs: median(times), count: times.length }
    },
  },
)

const registerWith: Record<UtcpToolsData['client'], () => Promise<Searcher>> = {
  async ours() {
    const made = await UtcpClient.create({ manual_call_templates: [template] }, { protocols: [manualInText()] })
    const [registered] = made.initialRegistrations
    if (!registered?.success) throw new Error(`The manual was not registered: ${registered?.errors.join('; ')}`)
    return made
  },

  async sdk() {
    // Its protocols belong to the whole process.
    SdkProtocol.communicationProtocols.http = new SdkManualInText()
    const made = await SdkClient.create()
    const { success, errors } = await made.registerManual(template)
    if (!success) throw new Error(`@utcp/sdk did not register the manual: ${errors.join('; ')}`)
    return made
  },
}

async function timedSearch(): Promise<number> {
  const query = queries.next().value
  const begin = performance.now()
  const found = await client?.searchTools(query, limit)
  const ms = performance.now() - begin
  if (found?.length !== limit) throw new Error(`"${query}" found ${found?.length} tools, not ${limit}`)
  return ms
}

function manualInText(): CommunicationProtocol {
  return {
    callTemplateTypes: ['http'],
    registerManual: async () => ({ manual: JSON.parse(text) }),
    deregisterManual: async () => {},
    callTool: async () => undefined,
    async *callToolStreaming() {},
    close: async () => {},
  }
}

/** Does with the text what the SDK's own http protocol does with an answer. */
class SdkManualInText extends SdkProtocol {
  override async registerManual(
    _client: unknown,
    manualCallTemplate: Parameters<SdkProtocol['registerManual']>[1],
  ): ReturnType<SdkProtocol['registerManual']> {
    const manual = new UtcpManualSerializer().validateDict(JSON.parse(text) as Record<string, unknown>)
    return { manualCallTemplate, manual, success: true, errors: [] }
  }
  override async deregisterManual(): Promise<void> {}
  override async callTool(): Promise<unknown> {
    return undefined
  }
  override async *callToolStreaming(): AsyncGenerator<unknown, void> {}
}

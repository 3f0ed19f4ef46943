// Prints what registering and searching cost beside the published client, in one process. Run it by itself:
//   node --conditions=@atp/source packages/utcp/test/measure/against-sdk.ts
import '@utcp/http'
import { UtcpClient as SdkClient, CommunicationProtocol as SdkProtocol } from '@utcp/sdk'
import { Bm25Strategy, UtcpClient } from '../../src/index.ts'
import { SqliteToolRepository } from '../../src/sqlite.ts'
import { FakeProtocol, manualOf } from '../support/fake-protocol.ts'
import { corpusQueries, corpusTools } from '../support/tool-corpus.ts'

const sizes = process.argv.slice(2).map(Number)
const template = { name: 'corpus', call_template_type: 'http', url: 'https://api.example.com/utcp' }

async function median(runs: number, work: (run: number) => Promise<unknown>): Promise<number> {
  const times: number[] = []
  for (let run = 0; run < runs; run += 1) {
    const start = performance.now()
    await work(run)
    times.push(performance.now() - start)
  }
  times.sort((a, b) => a - b)
  return times[Math.floor(times.length / 2)] ?? 0
}

function row(what: string, size: number, ms: number, peerMs?: number): void {
  const ratio = peerMs === undefined ? '' : `  ${(peerMs / ms).toFixed(0)}x faster than ${peerMs.toFixed(1)} ms`
  console.log(`${what.padEnd(28)} ${String(size).padStart(7)} tools  ${ms.toFixed(3).padStart(10)} ms${ratio}`)
}

/** Serves the corpus to the published client, whose protocols are process-wide. */
class SdkFake extends SdkProtocol {
  manual: unknown
  override async registerManual(_: unknown, manualCallTemplate: never): Promise<never> {
    // As its own HTTP protocol does with a response.
    const { UtcpManualSerializer } = await import('@utcp/sdk')
    const manual = new UtcpManualSerializer().validateDict(this.manual as never)
    return { manualCallTemplate, manual, success: true, errors: [] } as never
  }
  override async deregisterManual(): Promise<void> {}
  override async callTool(): Promise<unknown> {
    return undefined
  }
  override async *callToolStreaming(): AsyncGenerator<unknown, void> {}
}

for (const size of sizes.length > 0 ? sizes : [100, 1_000, 10_000, 100_000]) {
  const text = JSON.stringify(manualOf(corpusTools(size)))
  const queries = corpusQueries(400)
  const withPeer = size <= 10_000

  let peerRegister: number | undefined
  let peerSearch: number | undefined
  if (withPeer) {
    const fake = new SdkFake()
    SdkProtocol.communicationProtocols.http = fake
    let client: SdkClient | undefined
    peerRegister = await median(3, async () => {
      client = await SdkClient.create()
      fake.manual = JSON.parse(text)
      await client.registerManual(template as never)
    })
    peerSearch = await median(20, (run) => (client as SdkClient).searchTools(queries[run] ?? '', 10))
  }

  let client: UtcpClient | undefined
  const register = await median(withPeer ? 5 : 3, async () => {
    const protocol = new FakeProtocol(() => JSON.parse(text), ['http'])
    client = await UtcpClient.create({ manual_call_templates: [template] }, { protocols: [protocol] })
  })
  row('register', size, register, peerRegister)
  const first = await median(1, () => (client as UtcpClient).searchTools('first search', 10))
  row('first search (builds index)', size, first)
  const search = await median(300, (run) => (client as UtcpClient).searchTools(queries[run + 50] ?? '', 10))
  row('search', size, search, peerSearch)

  const bm25 = new Bm25Strategy()
  const { repository } = client as UtcpClient
  await bm25.searchTools(repository, 'first search', 10)
  row('search, bm25', size, await median(300, (run) => bm25.searchTools(repository, queries[run + 50] ?? '', 10)))

  const sqlite = new SqliteToolRepository({ file: ':memory:' })
  const protocol = new FakeProtocol(() => JSON.parse(text), ['http'])
  const onSqlite = await median(1, () =>
    UtcpClient.create({ manual_call_templates: [template], tool_repository: sqlite }, { protocols: [protocol] }),
  )
  row('register, SQLite', size, onSqlite)
  await sqlite.close()
}

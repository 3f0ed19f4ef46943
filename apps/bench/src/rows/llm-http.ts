import type { BenchRow } from '../bench-row.ts'
import { atLeast } from '../report/budget.ts'
import { atpSystem, atpSystemWith } from '../systems/atp-system.ts'
import { besidePeers } from '../systems/beside-peers.ts'
import { mcpModes, mcpSystem } from '../systems/mcp-system.ts'

/** How often the Python SDK looks whether an answer has come, in milliseconds. */
const sdkPollMs = 100

/** Tool calls of LLM clients over HTTP beside the MCP SDK, and what waiting by polling costs. */
export const row: BenchRow = {
  id: 'llm-http',
  summary: 'calls of an LLM client over HTTP, beside MCP over HTTP (c = 64); one call beside a poll each 100 ms',
  async run(context) {
    const http = await besidePeers(context, {
      id: 'llm-http',
      ours: atpSystemWith('atp over HTTP', { protocol: 'http' }),
      peerName: 'MCP',
      peers: mcpModes.map(mcpSystem),
      targets: [{ concurrency: 64, budget: atLeast(3) }],
    })
    const latency = await besidePeers(context, {
      id: 'llm-http',
      ours: atpSystem,
      peerName: `a poll each ${sdkPollMs} ms`,
      peers: [atpSystemWith('atp, polled', { protocol: 'ws', pollMs: sdkPollMs })],
      targets: [{ concurrency: 1 }],
    })
    return [...http, ...latency]
  },
}

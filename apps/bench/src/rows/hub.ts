import type { BenchRow } from '../bench-row.ts'
import { atLeast, atMost } from '../report/budget.ts'
import { atpSystem } from '../systems/atp-system.ts'
import { besidePeers } from '../systems/beside-peers.ts'
import { mcpModes, mcpSystem } from '../systems/mcp-system.ts'
import { relaySystem } from '../systems/relay-system.ts'

/** Tool calls through the server, beside a bare `ws` relay and the MCP SDK. */
export const row: BenchRow = {
  id: 'hub',
  summary: 'calls through the server, beside a bare ws relay (c = 1, 64, 256) and MCP over HTTP (c = 1, 64)',
  async run(context) {
    const relay = await besidePeers(context, {
      id: 'hub',
      ours: atpSystem,
      peerName: 'ws relay',
      peers: [relaySystem],
      targets: [
        { concurrency: 1, budget: atMost(2.5) },
        { concurrency: 64, budget: atLeast(0.6) },
        { concurrency: 256, budget: atLeast(0.6) },
      ],
    })
    const mcp = await besidePeers(context, {
      id: 'hub',
      ours: atpSystem,
      peerName: 'MCP',
      peers: mcpModes.map(mcpSystem),
      targets: [{ concurrency: 1 }, { concurrency: 64, budget: atLeast(15) }],
    })
    return [...relay, ...mcp]
  },
}

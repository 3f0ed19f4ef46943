import { describeLegacyWire, type LegacyHub, startFoundingServer } from '../../src/legacy/index.ts'

/* The peer and the suite against the founders' server, both written from the reference alone. */

async function start(state?: Parameters<typeof startFoundingServer>[0]): Promise<LegacyHub> {
  const server = await startFoundingServer({ state: state?.state })
  return {
    baseUrl: server.baseUrl,
    createToolkitKey: async (appName) => server.createToolkitKey(appName),
    createLlmKey: async () => server.createLlmKey(),
    async restart() {
      await server.stop()
      return start({ state: server.state })
    },
    logs: () => '',
    stop: () => server.stop(),
  }
}

const noLiveness = 'the founding server watches no liveness'

describeLegacyWire('the founding server', () => start(), {
  '3 liveness: a socket that shows no sign of life at all is dropped': noLiveness,
  '3 liveness: a socket that stays silent beyond the deadline of its call is dropped then, not before': noLiveness,
  '3 liveness: any inbound frame counts as life, such as pings of its own': noLiveness,
  '3 liveness: any inbound frame counts as life, such as a late answer': noLiveness,
  '3 liveness: when a socket joins a key, the older ones are pinged': noLiveness,
  '3 liveness: an older socket that shows life gets calls again': 'the founding server uses the newest socket only',
  '4 reconnect: LLM clients with a wrong key that come back without pause are survived, while good keys are served':
    'the founding server refuses LLM clients at once',
  '1 keys: keys never reach a log': 'the founding server writes no log',
  '5 sizes: a result that is too large fails its own call and no other': 'the founding server has no cap on results',
})

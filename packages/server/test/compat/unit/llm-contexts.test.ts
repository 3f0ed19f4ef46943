import { expect, it } from 'vitest'
import type { LlmAnswer, LlmService } from '../../../src/compat/llm-service.ts'
import { createLegacyLlmGateway } from '../../../src/compat/llm-socket.ts'
import type { ContextMessage } from '../../../src/compat/read-llm-message.ts'
import type { PeerSocket } from '../../../src/gateway/peer-socket.ts'
import { defaultLimits } from '../../../src/limits.ts'

/** An LLM client whose contexts wait for the store until they are let go. */
async function connect() {
  const answers: { type: string; request_id: string; payload: object }[] = []
  const waiting: (() => void)[] = []
  const socket: Partial<PeerSocket> = {
    congested: false,
    onClose: () => {},
    send: (text) => void answers.push(JSON.parse(text) as (typeof answers)[number]),
  }
  const service: Pick<LlmService, 'context'> = {
    context: (_key, { requestId }: ContextMessage) =>
      new Promise<LlmAnswer>((resolve) => {
        const body = { type: 'toolkit_context', request_id: requestId, payload: { tools: ['found'] } }
        waiting.push(() => resolve({ status: 200, body }))
      }),
  }
  await createLegacyLlmGateway({ service: service as LlmService, limits: defaultLimits }).welcome(
    ...([socket as PeerSocket, {} as never, undefined] as const),
  )
  answers.length = 0
  const ask = (request_id: string, user_prompt = ''): void =>
    socket.onText?.(
      JSON.stringify({ type: 'get_toolkit_context', toolkit_id: 't', provider: 'openai', request_id, user_prompt }),
    )
  return { answers, waiting, ask }
}

const busy = { type: 'toolkit_context', payload: { error: expect.stringContaining('Too many contexts'), tools: [] } }

it('looks up 64 contexts at once for one socket, and says busy to more, with the type their senders wait for', async () => {
  const { answers, waiting, ask } = await connect()
  for (let at = 0; at < 64; at += 1) ask(`c${at}`)
  expect(answers).toEqual([])
  ask('one too many')
  expect(answers).toEqual([{ ...busy, request_id: 'one too many' }])
  answers.length = 0
  for (const answer of waiting.splice(0)) answer()
  await expect.poll(() => answers).toHaveLength(64)
  ask('again')
  waiting[0]?.()
  await expect.poll(() => answers.at(-1)).toMatchObject({ request_id: 'again', payload: { tools: ['found'] } })
})

it('looks up contexts whose requests are at most 4 MiB together, and any that is alone', async () => {
  const { answers, waiting, ask } = await connect()
  ask('alone', 'x'.repeat(5 * 1_048_576))
  ask('another')
  expect(answers).toEqual([{ ...busy, request_id: 'another' }])
  expect(waiting).toHaveLength(1)
})

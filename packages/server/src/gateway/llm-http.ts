import { isAtpError, toWireError } from '@atp/core'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { CallOutcome } from '../calls/call.ts'
import {
  contextAnswer,
  contextErrorAnswer,
  type ProcessMessage,
  readProcessMessage,
  taskAnswer,
} from '../compat/process-messages.ts'
import type { StoredKey } from '../store/store.ts'
import type { LlmGatewayOptions } from './llm-socket.ts'

type CallMessage = Extract<ProcessMessage, { kind: 'call' }>
type ContextMessage = Extract<ProcessMessage, { kind: 'context' }>

/** `POST /api/v1/atp/llm-client/process/`: contexts and calls for LLM clients that speak HTTP. */
export function registerLlmHttp(
  app: FastifyInstance,
  options: LlmGatewayOptions,
  authenticate: (request: FastifyRequest, kind: 'llm') => Promise<StoredKey>,
): void {
  async function handle(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const key = await authenticate(request, 'llm')
    const message = readProcessMessage(request.body)
    if (message.kind === 'context') return answerContext(message, key, reply)
    const outcome = await runCall(message, key, reply)
    return taskAnswer(message.requestId, message.tool, outcome)
  }

  async function answerContext(message: ContextMessage, key: StoredKey, reply: FastifyReply): Promise<unknown> {
    const { requestId, toolkitId, provider = 'openai', userPrompt } = message
    try {
      const context = await options.contexts.get(key.projectId, { toolkitId, provider, userPrompt })
      return contextAnswer(requestId, context)
    } catch (error) {
      if (!isAtpError(error)) throw error
      return reply.code(error.status).send(contextErrorAnswer(requestId, toWireError(error)))
    }
  }

  async function runCall(message: CallMessage, key: StoredKey, reply: FastifyReply): Promise<CallOutcome> {
    const { toolkitId, tool, params, authToken, timeoutMs, provider } = message
    const request = { key, toolkitId, tool, params, authToken, timeoutMs, provider, meta: undefined }
    const ended = Promise.withResolvers<CallOutcome>()
    let gone: (() => void) | undefined
    try {
      const call = await options.router.startLater(request, (outcome) => ended.resolve(outcome))
      // A caller that hangs up does not want the result any more.
      gone = () => options.router.cancel(call, 'its caller disconnected')
      reply.raw.on('close', gone)
      if (reply.raw.destroyed) gone()
      return await ended.promise
    } catch (error) {
      // Older clients turn an HTTP error into an empty result, so the failure of a call is answered with 200.
      if (!isAtpError(error)) throw error
      return { ok: false, error: toWireError(error) }
    } finally {
      if (gone) reply.raw.off('close', gone)
    }
  }

  app.post('/api/v1/atp/llm-client/process/', handle)
  app.post('/api/v1/atp/llm-client/process', handle)
}

import { setTimeout as sleep } from 'node:timers/promises'
import { AtpError, type ErrorCode } from '@atp/core'
import { WebSocket } from 'ws'
import { ledgerNow } from '../ledger/ledger.ts'
import { toStatus } from '../ledger/to-status.ts'
import { type Answer, type Door, toAnswer } from './caller-door.ts'
import type { CallerPlan } from './caller-plan.ts'

/** How long a second answer is waited for after the first, in milliseconds. */
const secondAnswerMs = 250
/** How long after a call's own time an answer is still waited for, in milliseconds. */
const graceMs = 5_000

interface Waiting {
  answers: Answer[]
  first: () => void
}

/**
 * A caller that speaks protocol 2 by itself: a client would drop a second answer to one call, and here it is what
 * counts.
 */
export function createRawDoor({ baseUrl, apiKey, toolkitId }: CallerPlan): Door {
  const waiting = new Map<string, Waiting>()
  let opening: Promise<WebSocket> | undefined
  let lastRequest = 0

  function open(): Promise<WebSocket> {
    const headers = { authorization: `Bearer ${apiKey}` }
    const socket = new WebSocket(`${baseUrl.replace('http', 'ws')}/ws/v2/llm`, { headers, perMessageDeflate: false })
    const opened = Promise.withResolvers<WebSocket>()
    socket.on('open', () => {
      socket.send(JSON.stringify({ type: 'hello', protocol: 2, capabilities: [], instance_id: 'raw' }))
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      opening = undefined
      opened.reject(new AtpError('connection_failed', 'no welcome'))
      for (const { answers, first } of waiting.values()) {
        if (answers.length === 0)
          answers.push({ at: ledgerNow(), status: 'lost_connection', code: 'connection_closed' })
        first()
      }
    })
    socket.on('message', (data) => {
      const frame = JSON.parse(data.toString()) as Frame
      if (frame.type === 'welcome') opened.resolve(socket)
      else if (frame.request_id !== undefined) onAnswer(frame.request_id, frame)
    })
    return opened.promise
  }

  function onAnswer(requestId: string, { type, ok, result, error }: Frame): void {
    const call = waiting.get(requestId)
    if (call === undefined || (type !== 'result' && type !== 'error')) return
    if (ok) call.answers.push(toAnswer(result))
    else {
      const code = (error?.code ?? 'internal_error') as ErrorCode
      call.answers.push({ at: ledgerNow(), status: toStatus(new AtpError(code, ''), false), code })
    }
    call.first()
  }

  return {
    async call({ kind, params, timeoutMs }) {
      lastRequest += 1
      const requestId = `r${lastRequest}`
      let socket: WebSocket
      try {
        opening ??= open()
        socket = await opening
      } catch {
        opening = undefined
        await sleep(50)
        return [{ at: ledgerNow(), status: 'not_run', code: 'connection_failed' }]
      }
      const first = Promise.withResolvers<void>()
      const call: Waiting = { answers: [], first: () => first.resolve() }
      waiting.set(requestId, call)
      const frame = {
        type: 'call',
        request_id: requestId,
        toolkit_id: kind.toolkitId ?? toolkitId,
        tool: kind.tool,
        params,
      }
      socket.send(JSON.stringify({ ...frame, timeout_ms: timeoutMs }))
      const timer = setTimeout(first.resolve, timeoutMs + graceMs)
      await first.promise
      clearTimeout(timer)
      await sleep(secondAnswerMs)
      waiting.delete(requestId)
      return call.answers
    },
    async close() {
      if (opening === undefined) return
      const socket = await opening.catch(() => undefined)
      socket?.terminate()
    },
  }
}

interface Frame {
  type: string
  request_id?: string
  ok?: boolean
  result?: unknown
  error?: { code: string }
}

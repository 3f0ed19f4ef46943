import type { CallState } from '@atp/core'
import type { Ledger } from '../ledger/ledger.ts'
import type { LedgerEntry } from '../ledger/ledger-entry.ts'
import { storedStatus, toAnswer } from './caller-door.ts'
import type { ServerInfo } from './server-info.ts'

/** Writes into a ledger what the server says: every row of its call log, and the outcome of every accepted call. */
export async function collectServerLedger(
  ledger: Ledger,
  { url, adminKey, llmKey }: ServerInfo,
  entries: readonly LedgerEntry[],
): Promise<void> {
  for await (const { id, status, error_code: code } of callLog(url, adminKey)) {
    ledger.write({ event: 'logged', callId: id, status: status === 'delivery_failed' ? 'not_run' : status, code })
  }
  const accepted = new Set(entries.flatMap((entry) => (entry.event === 'accepted' ? [entry.callId] : [])))
  for (const callId of accepted) {
    const answer = await get(`${url}/api/v2/llm/calls/${callId}`, llmKey)
    const state = answer.status === 200 ? ((await answer.json()) as Pick<CallState, 'status' | 'result'>) : undefined
    const ended = state !== undefined && state.status !== 'running'
    const { run } = toAnswer(state?.result)
    const told = ended && { status: storedStatus(state.status), ...(run !== undefined && { run }) }
    ledger.write({ event: 'stored', callId, ...told })
  }
}

interface LogRow {
  id: string
  status: string
  error_code: string | null
}

async function* callLog(url: string, key: string): AsyncGenerator<LogRow> {
  let before: string | null = null
  do {
    const page = await get(`${url}/api/v2/calls?limit=500${before === null ? '' : `&before=${before}`}`, key)
    if (page.status !== 200) throw new Error(`The call log cannot be read: ${page.status} ${await page.text()}`)
    const body = (await page.json()) as { calls: LogRow[]; next_before: string | null }
    yield* body.calls
    before = body.next_before
  } while (before !== null)
}

function get(url: string, key: string): Promise<Response> {
  return fetch(url, { headers: { authorization: `Bearer ${key}` } })
}

import type { ToolDescriptor } from '@atp/core'
import type { StoredKey, StoredToolkit } from '../store/store.ts'
import type { CallRequest } from './call-request.ts'

/** What is known of a call of an earlier server. */
export interface RestoredCall {
  id: string
  key: StoredKey
  toolkit: StoredToolkit
  tool: ToolDescriptor
  params: Record<string, unknown>
  authToken: string | undefined
  meta: Record<string, unknown> | undefined
  app: CallRequest['app']
  timeoutMs: number
  /** How much of its time is left, in milliseconds. */
  leftMs: number
  startedAt: number
  survives: boolean
  meantFor: string | undefined
  /** What its row is sealed under. */
  dataKeyId: string
}

import type { IdempotencyClaim, InsertAnswer, StoredCall } from '../store/durable-store.ts'
import type { DurableWriter } from '../store/grouped-durable-store.ts'
import type { CallSeal } from './call-seal.ts'

/** What became of a call: it is stored, or another one has its claim. */
export interface SealedInsert {
  answer: Exclude<InsertAnswer, { retired: true }>
  /** The data key that its outcome is sealed under. */
  dataKeyId: string
}

/**
 * Seals the request of a call and stores it, under another data key where the first one was retired meanwhile.
 * @throws AtpError what the seal and the store throw
 */
export async function insertSealed(
  { seal, writer }: { seal: CallSeal; writer: Pick<DurableWriter, 'insert'> },
  call: Omit<StoredCall, 'dataKeyId' | 'request'>,
  request: Uint8Array,
  claim?: IdempotencyClaim | undefined,
): Promise<SealedInsert> {
  const { projectId, id: callId } = call
  for (let round = 0; round < maxRounds; round += 1) {
    const { dataKeyId, sealed } = await seal.seal({ projectId, callId, part: 'request' }, request)
    const answer = await writer.insert({ ...call, dataKeyId, request: sealed }, claim)
    if (!answer.retired) return { answer, dataKeyId }
    seal.forgetDataKey(projectId, dataKeyId)
  }
  throw new Error('No data key in use was found: are keys rotated all the time?')
}

/** One round is lost to each rotation that begins meanwhile. */
const maxRounds = 5

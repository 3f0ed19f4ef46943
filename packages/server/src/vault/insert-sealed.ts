import type { ClaimHolder, IdempotencyClaim, InsertAnswer, StoredCall } from '../store/durable-store.ts'
import type { DurableWriter } from '../store/grouped-durable-store.ts'
import type { CallSeal, SealPlace } from './call-seal.ts'

/** What became of a call: it is stored, or another one has its claim. */
export interface SealedInsert {
  answer: Exclude<InsertAnswer, { retired: true }>
  /** The data key that its outcome is sealed under. */
  dataKeyId: string
}

/**
 * Seals the request of a call and the fingerprint of its claim and stores both, under another data key where the first
 * one was retired meanwhile.
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
    const place = { projectId, callId, part: 'fingerprint', dataKeyId } as const
    const answer = await writer.insert(
      { ...call, dataKeyId, request: sealed },
      claim && { ...claim, fingerprint: await sealFingerprint(seal, place, claim.fingerprint) },
    )
    if (answer.existing) {
      return { answer: { inserted: false, existing: await openHolder(seal, projectId, answer.existing) }, dataKeyId }
    }
    if (!answer.retired) return { answer, dataKeyId }
    seal.forgetDataKey(projectId, dataKeyId)
  }
  throw new Error('No data key in use was found: are keys rotated all the time?')
}

/** One round is lost to each rotation that begins meanwhile. */
const maxRounds = 5

/** A hash of few possible parameters is as good as the parameters, so it is no less sealed than they are. */
async function sealFingerprint(
  seal: CallSeal,
  place: SealPlace & { part: 'fingerprint' },
  fingerprint: string,
): Promise<string> {
  return (await seal.seal(place, Buffer.from(fingerprint))).sealed
}

/** The call that has a claim, as the store gives it, with its fingerprint in clear. @throws AtpError `vault_unreadable` */
export async function openHolder(
  seal: CallSeal,
  projectId: string,
  { callId, fingerprint: sealed }: ClaimHolder,
): Promise<ClaimHolder> {
  // A ciphertext names its key, which is there for as long as the call, whatever was rotated since.
  const dataKeyId = sealed.split('.')[1] ?? ''
  const bytes = await seal.open({ projectId, callId, part: 'fingerprint' }, { dataKeyId, sealed })
  return { callId, fingerprint: bytes.toString() }
}

import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import { DataKeyRing, type DataKeyRingOptions } from './data-key-ring.ts'
import { type Binding, open, seal, vaultUnreadable } from './envelope.ts'

/** Which part of which call a ciphertext is, and of nothing else (rule V2). */
export interface CallPlace {
  projectId: string
  callId: string
  part: 'request' | 'outcome' | 'fingerprint'
}

/** Where to seal: all but the request is sealed under the data key of its call, which stays for as long as the call. */
export type SealPlace = CallPlace & ({ part: 'request' } | { part: 'outcome' | 'fingerprint'; dataKeyId: string })

/** A part of a call, sealed, and the data key that opens it. */
export interface SealedPart {
  dataKeyId: string
  sealed: string
}

/**
 * Seals what is stored of calls: AES-256-GCM under a key that is derived (HKDF-SHA256) from the project's data key for
 * one part of one call.
 *
 * No encryptions are counted, as they are for secrets: the limit of rule V3 is on random IVs under one key, and a key
 * here encrypts once, or a few times where a write is repeated, however many calls a data key serves. Keys of two parts
 * are independent of each other, and none of them says anything about the data key.
 */
export interface CallSeal {
  /** Seals a request under the data key in use, anything else under the one it names. @throws AtpError `vault_unreadable` */
  seal(place: SealPlace, bytes: Uint8Array): Promise<SealedPart>
  /** Opens a part, also under a retired data key. @throws AtpError `vault_unreadable` for whatever does not fit */
  open(place: CallPlace, part: SealedPart): Promise<Buffer>
  /** Takes another data key for the next request: this one turned out to be retired. */
  forgetDataKey(projectId: string, dataKeyId: string): void
}

/** Builds the seal on a store. */
export function createCallSeal(options: DataKeyRingOptions): CallSeal {
  const ring = new DataKeyRing(options)

  async function dataKey(projectId: string, id: string): Promise<KeyObject> {
    const key = await ring.find(projectId, id)
    if (key === undefined) throw vaultUnreadable()
    return key
  }

  return {
    async seal(place, bytes) {
      const { projectId } = place
      const { id, key } =
        place.part === 'request'
          ? await ring.active(projectId)
          : { id: place.dataKeyId, key: await dataKey(projectId, place.dataKeyId) }
      return { dataKeyId: id, sealed: seal(derive(key, place), id, bindingOf(place), bytes) }
    },

    async open(place, { dataKeyId, sealed }) {
      const key = await dataKey(place.projectId, dataKeyId)
      return open(derive(key, place), dataKeyId, bindingOf(place), sealed)
    },

    forgetDataKey: (projectId, dataKeyId) => ring.forgetActive(projectId, dataKeyId),
  }
}

/** As JSON, where no two lists of texts look the same. The data key is random already, so there is no salt. */
function derive(dataKey: KeyObject, { callId, part }: CallPlace): KeyObject {
  const info = JSON.stringify(['atp-call-v1', callId, part])
  return createSecretKey(Buffer.from(hkdfSync('sha256', dataKey, '', info, keyLength)))
}

const keyLength = 32

/** The envelope adds the data key. */
function bindingOf({ projectId, callId, part }: CallPlace): Binding {
  return ['call', projectId, callId, part]
}

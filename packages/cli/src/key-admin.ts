import type { KeyKind } from '@atp/server'
import type { KeyList, NewKey, WireKey } from './wire-bodies.ts'

/** What `atp keys` does, through a server or on a data folder; bodies as they travel. All methods throw AtpError. */
export interface KeyAdmin {
  /** Newest first. */
  list(): Promise<KeyList>
  create(request: { kind: KeyKind; name?: string | undefined }): Promise<NewKey>
  revoke(id: string): Promise<WireKey>
}

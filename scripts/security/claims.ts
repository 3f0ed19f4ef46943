import type { Claim } from './claim.ts'
import { callClaims } from './claims/calls.ts'
import { deliveryClaims } from './claims/delivery.ts'
import { egressClaims } from './claims/egress.ts'
import { inputClaims } from './claims/input.ts'
import { keyClaims } from './claims/keys.ts'
import { serverClaims } from './claims/servers.ts'
import { supplyClaims } from './claims/supply.ts'
import { transportClaims } from './claims/transport.ts'
import { utcpClaims } from './claims/utcp.ts'
import { vaultClaims } from './claims/vault.ts'

/** Everything this repository says it keeps, in the order of its files. */
export const claims: readonly Claim[] = [
  ...keyClaims,
  ...vaultClaims,
  ...transportClaims,
  ...inputClaims,
  ...egressClaims,
  ...callClaims,
  ...deliveryClaims,
  ...serverClaims,
  ...utcpClaims,
  ...supplyClaims,
]

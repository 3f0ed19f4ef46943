/**
 * The tables, for Kysely. On SQLite they lie in two files, so no query joins `calls` with another table.
 * Ids and JSON are text, times are integer milliseconds since 1970.
 */
export interface Database {
  projects: ProjectTable
  keys: KeyTable
  toolkits: ToolkitTable
  tools: ToolTable
  toolkit_hashes: ToolkitHashTable
  exchanges: ExchangeTable
  calls: CallTable
  data_keys: DataKeyTable
  secrets: SecretTable
  durable_calls: DurableCallTable
  call_outcomes: CallOutcomeTable
  idempotency_claims: IdempotencyClaimTable
}

export interface ProjectTable {
  id: string
  name: string
  created_at: number
}

export interface KeyTable {
  id: string
  project_id: string
  kind: string
  name: string
  toolkit_id: string | null
  /** Hex SHA-256 of the key. */
  hash: string
  created_at: number
  expires_at: number | null
  revoked_at: number | null
}

export interface ToolkitTable {
  id: string
  project_id: string
  app_name: string
  slug: string
  caption: string
  instructions: string | null
  hash: string | null
  published_at: number | null
  endpoint_url: string | null
  created_at: number
  updated_at: number
}

interface ToolTable {
  project_id: string
  toolkit_id: string
  name: string
  /** Ascends in the order of first registration, with gaps. */
  position: number
  /** A `ToolDescriptor` as JSON. */
  descriptor: string
  /** Null for tools that no older client registered last. */
  code_hash: string | null
}

interface ToolkitHashTable {
  project_id: string
  toolkit_id: string
  hash: string
}

interface ExchangeTable {
  /** Hex SHA-256 of the token. */
  hash: string
  project_id: string
  toolkit_id: string
  tool: string
  created_at: number
}

export interface CallTable {
  id: string
  project_id: string
  key_id: string
  toolkit_id: string
  toolkit_name: string
  tool: string
  delivery: string
  status: string
  error_code: string | null
  started_at: number
  duration_ms: number
}

export interface DataKeyTable {
  project_id: string
  id: string
  master_key_id: string
  wrapped: string
  /** How often it encrypted. */
  encryptions: number
  created_at: number
  retired_at: number | null
}

export interface SecretTable {
  project_id: string
  owner_kind: string
  owner_id: string
  field: string
  data_key_id: string
  ciphertext: string
  created_at: number
  updated_at: number
}

export interface DurableCallTable {
  id: string
  project_id: string
  key_id: string
  toolkit_id: string
  tool: string
  delivery: string
  /** 0 or 1. */
  idempotent: number
  state: string
  deliveries: number
  lease_id: string | null
  lease_until: number | null
  deadline_at: number
  timeout_ms: number
  data_key_id: string
  /** Sealed; empty once the call ended. */
  request: string
  created_at: number
  retried_as: string | null
}

export interface CallOutcomeTable {
  call_id: string
  project_id: string
  status: string
  error_code: string | null
  data_key_id: string
  /** Sealed. */
  outcome: string
  ended_at: number
  expires_at: number
}

interface IdempotencyClaimTable {
  project_id: string
  key_id: string
  /** As the inside of a JSON text, which any database keeps as it is. */
  external_user_id: string
  /** Hex SHA-256 of the idempotency key. */
  key_hash: string
  call_id: string
  fingerprint: string
  created_at: number
  expires_at: number
}

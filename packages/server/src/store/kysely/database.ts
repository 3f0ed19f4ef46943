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

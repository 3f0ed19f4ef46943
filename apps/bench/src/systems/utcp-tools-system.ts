/** What a process with one client and many tools is started with. */
export interface UtcpToolsData {
  client: 'ours' | 'sdk'
  /** How many tools the manual has. */
  size: number
}

/** What registering the manual with a new client took. */
export interface RegisterAnswer {
  ms: number
}

/** What searching took, with a new query each time. */
export interface SearchAnswer {
  /** The first search, which may build an index. */
  firstMs: number
  medianMs: number
  count: number
}

/** Somebody who works for Cog & Spoke, or an assistant of theirs. */
export interface StaffMember {
  readonly name: string
  readonly key: string
  /** Whether they may cancel orders. */
  readonly isLead: boolean
}

/** What the service is started with. */
export interface Settings {
  /** The SQLite file; made and filled when it is not there. */
  readonly databasePath: string
  readonly staff: readonly StaffMember[]
  /** How long it takes to fetch a part from its shelf, in milliseconds. */
  readonly pickMs: number
}

/** The name under which providers get the {@link Settings}. */
export const settingsToken: unique symbol = Symbol('settings')

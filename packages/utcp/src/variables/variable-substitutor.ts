/** Where values of variables come from. */
export interface VariableLoader {
  /** The value of a variable by its full name. Undefined, null and empty count as missing: the next one is asked. */
  get(name: string): Promise<string | null | undefined> | string | null | undefined
}

/** All sources of variables of a client, in the order in which they are asked. */
export interface VariableSources {
  /** By full name. Here an empty text counts. */
  readonly variables: Readonly<Record<string, string>>
  readonly loaders: readonly VariableLoader[]
  /** As `process.env`. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Whether a variable without a value under its full name is looked for without the namespace. @default false */
  readonly bareNames?: boolean
}

/** Fills variables into templates. */
export interface VariableSubstitutor {
  /**
   * Returns a copy of a value in which the variables of all texts, at every depth, have their values.
   * @param namespace the manual's name; it goes in front of each variable's name
   * @throws UtcpVariableNotFound with the names of all that are missing
   * @throws UtcpError `invalid_config` for a namespace of other than word characters
   */
  substitute<T>(value: T, sources: VariableSources, namespace?: string): Promise<T>
  /** The full names of the variables in a value, each once, in order of appearance. */
  findRequiredVariables(value: unknown, namespace?: string): readonly string[]
}

/** A documented rule of a provider that a tool breaks. */
export interface Violation {
  rule: RuleName
  /** The tool's name, or its place in the list where it has none. */
  tool: string
  /** Where in the schema, as a JSON Pointer. */
  path: string
  message: string
}

/** The rules, as `docs/providers.md` names them. */
export type RuleName =
  | 'form'
  | 'name'
  | 'unique-names'
  | 'tool-count'
  | 'description-length'
  | 'explicit-strict'
  | 'root-object'
  | 'dialect'
  | 'no-references'
  | 'array-items'
  | 'object-properties'
  | 'property-name'
  | 'no-lookaround'
  | 'schema-size'
  | 'strict-required'
  | 'strict-closed'
  | 'strict-keyword'
  | 'strict-format'
  | 'strict-type'
  | 'strict-depth'
  | 'strict-properties'
  | 'strict-enum-count'
  | 'strict-enum-length'
  | 'strict-characters'

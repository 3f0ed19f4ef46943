/** Why a tool cannot be told to a provider at all. */
export type RefusalCode =
  | 'duplicate_name'
  | 'too_many_tools'
  | 'root_not_object'
  | 'unsatisfiable'
  | 'bad_reference'
  | 'too_many_references'
  | 'schema_too_large'
  | 'schema_too_deep'

/** Thrown inside the lowering, caught where it begins: the schema cannot be told to this provider. */
export class LoweringRefusal extends Error {
  readonly code: RefusalCode
  constructor(code: RefusalCode, message: string) {
    super(message)
    this.code = code
  }
}

/** A line that a security rule hangs on, and the test that fails when it is gone. */
export interface Guard {
  /** The rule it keeps, as in docs/security.md. */
  rule: string
  /** What the line does. */
  does: string
  file: string
  /** What stands in the file, once. */
  line: string
  /** What stands there when the guard is gone; still compiles. */
  without: string
  /** The test file, from the root. */
  test: string
  /** One of the tests in it that must fail. */
  title: string
}

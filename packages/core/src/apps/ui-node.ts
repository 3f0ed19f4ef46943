import type { JsonValue } from '../protocol/json.ts'

/** One piece of a user interface as plain data, in the founding form: whoever shows it decides how. */
export interface UiNode {
  /** What kind of piece it is, such as `input` or `layout`. */
  category: string
  /** Which one of that kind, such as `button`. */
  component_type: string
  props: { [name: string]: JsonValue | UiNode | UiNode[] }
}

/** What an app shows: one piece, several, or any JSON that its host understands. */
export type UiContent = UiNode | readonly UiNode[] | JsonValue

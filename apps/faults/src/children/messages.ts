/** What a parent asks of a child. */
export interface Question {
  id: number
  command: string
  data: unknown
}

/** What a child tells: the answer to a question, or something that happened. */
export type Told = { id: number; result: unknown } | { id: number; error: string } | { notice: string; data: unknown }

/** The question that comes first; its answer says that the child is ready. */
export const startCommand = 'start'

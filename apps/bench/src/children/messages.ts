/** What a parent asks of a child process. */
export interface Question {
  id: number
  command: string
  data: unknown
}

/** What a child answers; exactly one answer to each question. */
export type Answer = { id: number; result: unknown } | { id: number; error: string }

/** The command that comes first; its answer says that the child can be used. */
export const startCommand = 'start'

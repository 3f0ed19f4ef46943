import { type Question, startCommand, type Told } from './messages.ts'

/** The other end of a child's channel. */
export interface Parent {
  /** Tells the parent that something happened. */
  tell(notice: string, data?: unknown): void
}

/** What a child answers, by command. */
export type Commands = Record<string, (data: never) => unknown>

/**
 * Makes this process a child of `Processes`: `start` gets the plan and returns what the parent is told and the commands
 * that may follow. The process ends with its parent.
 */
export function serve<Plan>(
  start: (plan: Plan, parent: Parent) => Promise<{ started?: unknown; commands?: Commands }>,
): void {
  let commands: Commands = {}
  const send = (told: Told): void => {
    if (process.connected) process.send?.(told, undefined, undefined, () => {})
  }
  const parent: Parent = { tell: (notice, data = null) => send({ notice, data }) }
  async function answer({ command, data }: Question): Promise<unknown> {
    if (command === startCommand) {
      const begun = await start(data as Plan, parent)
      commands = begun.commands ?? {}
      return begun.started ?? null
    }
    const run = commands[command]
    if (run === undefined) throw new Error(`There is no command "${command}"`)
    return (await run(data as never)) ?? null
  }
  process.on('message', (question: Question) => {
    answer(question).then(
      (result) => send({ id: question.id, result }),
      (error: unknown) => send({ id: question.id, error: error instanceof Error ? error.message : String(error) }),
    )
  })
  process.once('disconnect', () => process.exit(0))
}

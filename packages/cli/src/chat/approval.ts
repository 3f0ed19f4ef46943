import { plainLines, plainText } from '../plain-text.ts'
import type { AskLine } from './ask-line.ts'
import type { ShownCall } from './chat-view.ts'
import type { RoutedTool } from './merge-contexts.ts'

/** `declined`: the user said no; `unasked`: nobody is there to say yes. */
export type Approval = 'run' | 'declined' | 'unasked'

/** Decides whether a call may run. */
export type Approve = (tool: RoutedTool, call: ShownCall, signal: AbortSignal) => Promise<Approval>

/** How calls of tools that may destroy something are decided upon. */
export interface ApprovalOptions {
  /** Runs everything unasked. */
  yes: boolean
  /** Undefined when there is no terminal to ask on. */
  ask: AskLine | undefined
  /** Where the question's details go. */
  note(text: string): void
}

/** Asks before every call of a destructive tool, unless the user has allowed that tool for the rest of the chat. */
export function createApproval({ yes, ask, note }: ApprovalOptions): Approve {
  const allowed = new Set<string>()
  return async (tool, call, signal) => {
    const key = JSON.stringify([tool.toolkitId, tool.tool])
    if (yes || !tool.destructive || allowed.has(key)) return 'run'
    if (ask === undefined) return 'unasked'
    const name = plainText(`${tool.toolkitName}/${tool.tool}`)
    note(`${name} is marked destructive. It would run with:\n${shownArguments(call)}`)
    for (;;) {
      const answer = await ask(`Run ${name}? [y/N, a = always for this tool] `, { signal, fresh: true })
      if (answer.kind !== 'line') return 'declined'
      const word = answer.text.trim().toLowerCase()
      if (word === 'a' || word === 'always') allowed.add(key)
      if (['y', 'yes', 'a', 'always'].includes(word)) return 'run'
      if (['', 'n', 'no'].includes(word)) return 'declined'
    }
  }
}

const maxLength = 4_000

/** Whole where it can be: who allows something has to see what. */
function shownArguments({ args }: ShownCall): string {
  const text = plainLines(JSON.stringify(args ?? {}, null, 2))
  if (text.length <= maxLength) return text
  const half = maxLength / 2
  return `${text.slice(0, half)}\n[… ${text.length - maxLength} characters not shown …]\n${text.slice(-half)}`
}

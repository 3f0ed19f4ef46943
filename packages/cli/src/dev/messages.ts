import type { InvokeOutcome } from '@atp/core'
import type { AppEvent, WireTool } from '@atp/core/protocol'

/* What the command and the process that runs the tools say to each other. Both ends are of one version. */

/** A toolkit of the loaded files, in a form that travels. */
export interface AnnouncedToolkit {
  name: string
  caption: string | undefined
  instructions: string | undefined
  tools: WireTool[]
}

/** What the process of the tools says. */
export type FromTools =
  /** A module was loaded, or could not be found. */
  | { type: 'file'; file: string; stamp: string }
  /** All files are loaded, and calls may come; said again when the tools change by themselves. */
  | { type: 'ready'; toolkits: AnnouncedToolkit[] }
  /** The last message of a process that could not load its files; where, it may print on its way out. */
  | { type: 'failed'; failure: string; printsPlace: boolean }
  | { type: 'progress'; id: number; value: unknown }
  /** The tool goes on once `more` is there. */
  | { type: 'chunk'; id: number; value: unknown }
  /** The handler ended. */
  | { type: 'outcome'; id: number; outcome: InvokeOutcome }

/** A call of a tool, on its way to the process of the tools. */
export interface ForwardedCall {
  callId: string
  toolkit: string
  tool: string
  args: unknown
  authToken: string | undefined
  /** What happens in a session of an app, for a call that is that. */
  app: AppEvent | undefined
  /** What came with the call beside its arguments, such as its trace context; empty where there is none. */
  meta: Readonly<Record<string, unknown>>
}

/** What the process of the tools is told. */
export type ToTools =
  | ({ type: 'call'; id: number } & ForwardedCall)
  | { type: 'cancel'; id: number; reason: unknown }
  | { type: 'more'; id: number }

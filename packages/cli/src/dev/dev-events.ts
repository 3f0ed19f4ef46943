import type { CallObserver } from './call-observer.ts'
import type { ToolChanges } from './dev-toolkit.ts'

/** What happens while `atp dev` runs, apart from calls. */
export type DevEvent =
  /** The server was found, or started. */
  | { type: 'server'; url: string; own: boolean }
  /** For the first time the tools can be called. */
  | { type: 'ready'; toolkits: ToolChanges[]; fileCount: number; durationMs: number }
  /** The tools of the changed files can be called. */
  | { type: 'reloaded'; files: string[]; toolkits: ToolChanges[]; fileCount: number; durationMs: number }
  /** Something of the files cannot be used; what worked before goes on. */
  | { type: 'failed'; message: string; serving: boolean }
  | { type: 'connection_lost'; toolkit: string; message: string }
  | { type: 'connection_back'; toolkit: string }
  /** The files or their tools printed a line. */
  | { type: 'output'; line: string }

/** Shows what happens; none of the methods may throw. */
export interface DevView extends CallObserver {
  show(event: DevEvent): void
}

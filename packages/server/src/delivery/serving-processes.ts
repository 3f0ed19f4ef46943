/** One process that serves tools of a toolkit, however calls reach it. */
export interface ServingProcess {
  readonly toolkitId: string
  /** What it registered. */
  tools: ReadonlySet<string>
  /** The hash it registered them under. */
  toolsHash: string | undefined
}

/** Knows the processes of toolkits. */
export interface ServingProcesses {
  /** The processes that serve a toolkit at the moment. */
  peersOf(toolkitId: string): Iterable<ServingProcess>
}

/** The processes that several deliveries know. */
export function allProcesses(sources: readonly ServingProcesses[]): ServingProcesses {
  return {
    *peersOf(toolkitId) {
      for (const source of sources) yield* source.peersOf(toolkitId)
    },
  }
}

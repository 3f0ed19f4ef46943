import type { CallStatus } from '../store/store.ts'
import { labelText } from './label-text.ts'

/** An ended call, as far as metrics tell of it. */
export interface CountedCall {
  toolkitName: string
  tool: string
  status: CallStatus
  durationMs: number
}

/** Upper bounds in seconds: from a tool that answers from memory to the longest a call may take. */
const bounds: readonly number[] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 600]
/** A histogram has one series for each bound, and `+Inf`, sum and count. */
const seriesOfToolkit = bounds.length + 3
/** What is counted together once there are too many. */
const other = 'other'

const indexOfStatus: Record<CallStatus, number> = {
  succeeded: 0,
  failed: 1,
  timed_out: 2,
  cancelled: 3,
  delivery_failed: 4,
  outcome_unknown: 5,
}
const statuses = Object.keys(indexOfStatus)

interface ToolkitCounters {
  /** Calls of each tool by status. */
  tools: Map<string, number[]>
  /** Calls by the bound they are below, not cumulated; one more for those above all. */
  durations: number[]
  totalSeconds: number
}

/**
 * Counts ended calls. Names of toolkits and tools are made by users, and each is a series that the reader of the metrics
 * keeps: past `maxSeries` whatever is new counts as toolkit `other`, tool `other`.
 */
export class CallCounters {
  readonly #maxSeries: number
  readonly #toolkits = new Map<string, ToolkitCounters>()
  readonly #others: ToolkitCounters = newToolkit()
  readonly #otherTools: number[] = newTool()
  #series: number

  /** @param maxSeries how many series there are at most. @default 10_000 */
  constructor(maxSeries: number = 10_000) {
    this.#maxSeries = maxSeries
    this.#others.tools.set(other, this.#otherTools)
    this.#toolkits.set(other, this.#others)
    this.#series = seriesOfToolkit + statuses.length
  }

  /** Runs for each call of the server: it must stay well below a microsecond. */
  add({ toolkitName, tool, status, durationMs }: CountedCall): void {
    const toolkit = this.#toolkits.get(toolkitName) ?? this.#addToolkit(toolkitName)
    const index = indexOfStatus[status]
    const counts = toolkit.tools.get(tool)
    const counted = counts?.[index]
    if (counts !== undefined && counted !== undefined && counted > 0) counts[index] = counted + 1
    else this.#countNew(toolkit, tool, index)
    const seconds = durationMs / 1_000
    toolkit.totalSeconds += seconds
    let bucket = 0
    while (bucket < bounds.length && seconds > (bounds[bucket] as number)) bucket += 1
    toolkit.durations[bucket] = (toolkit.durations[bucket] as number) + 1
  }

  /** The lines of both metrics in the text format of Prometheus. */
  text(): string {
    const counted = [
      '# HELP atp_tool_calls_total Ended calls by how they ended.',
      '# TYPE atp_tool_calls_total counter',
    ]
    const timed = [
      '# HELP atp_tool_call_duration_seconds How long ended calls took, from acceptance to outcome.',
      '# TYPE atp_tool_call_duration_seconds histogram',
    ]
    for (const [name, toolkit] of this.#toolkits) {
      const label = `toolkit="${labelText(name)}"`
      writeCounts(counted, label, toolkit)
      writeDurations(timed, label, toolkit)
    }
    return `${[...counted, '', ...timed].join('\n')}\n`
  }

  #addToolkit(name: string): ToolkitCounters {
    if (this.#series + seriesOfToolkit > this.#maxSeries) return this.#others
    this.#series += seriesOfToolkit
    const toolkit = newToolkit()
    this.#toolkits.set(name, toolkit)
    return toolkit
  }

  /** The first call of that tool and status. */
  #countNew(toolkit: ToolkitCounters, tool: string, index: number): void {
    let counts = toolkit === this.#others ? this.#otherTools : toolkit.tools.get(tool)
    if (counts !== this.#otherTools) {
      if (this.#series < this.#maxSeries) {
        this.#series += 1
        counts ??= newTool()
        toolkit.tools.set(tool, counts)
      } else counts = this.#otherTools
    }
    counts[index] = (counts[index] ?? 0) + 1
  }
}

function newToolkit(): ToolkitCounters {
  return { tools: new Map(), durations: Array.from({ length: bounds.length + 1 }, () => 0), totalSeconds: 0 }
}

function newTool(): number[] {
  return statuses.map(() => 0)
}

function writeCounts(lines: string[], label: string, { tools }: ToolkitCounters): void {
  for (const [tool, counts] of tools) {
    for (const [index, count] of counts.entries()) {
      if (count === 0) continue
      lines.push(`atp_tool_calls_total{${label},tool="${labelText(tool)}",status="${statuses[index]}"} ${count}`)
    }
  }
}

function writeDurations(lines: string[], label: string, { durations, totalSeconds }: ToolkitCounters): void {
  const name = 'atp_tool_call_duration_seconds'
  const total = durations.reduce((sum, count) => sum + count, 0)
  if (total === 0) return
  let below = 0
  for (const [index, bound] of bounds.entries()) {
    below += durations[index] ?? 0
    lines.push(`${name}_bucket{${label},le="${bound}"} ${below}`)
  }
  lines.push(`${name}_bucket{${label},le="+Inf"} ${total}`)
  lines.push(`${name}_sum{${label}} ${totalSeconds}`, `${name}_count{${label}} ${total}`)
}

import type { Child, Children } from '../children/children.ts'
import type { CpuTime } from '../children/serve-parent.ts'
import type { LoadPlan, LoadSample } from '../load/call-loop.ts'

/** Something that serves the echo tool, and a load generator that calls it, each in processes of its own. */
export interface LoadSystem {
  /** As the table's notes name it. */
  name: string
  start(children: Children): Promise<RunningSystem>
}

/** The processes of a started system. */
export interface RunningSystem {
  /** The one whose CPU time counts. */
  server: Child
  /** The one that calls. */
  load: Child
  /** All, those two included. */
  processes: readonly Child[]
  /** Counts commits of the server's database so far, where they can be counted. */
  commits?(): Promise<number>
}

/** What one measurement of a system gave. */
export interface SystemSample extends LoadSample {
  /** CPU time of the server's process for one call, in microseconds. */
  serverCpuUs: number
  /** Commits of the server's database for one call; undefined where they are not counted. */
  commitsPerCall?: number
}

/** Long enough for hot code to be compiled; shorter measurements get a shorter one and are good for smoke tests only. */
const longestWarmUpMs = 2_000

/** Warms a system up at the same concurrency, then measures it. */
export async function measureSystem(system: RunningSystem, plan: LoadPlan): Promise<SystemSample> {
  const load = (durationMs: number): Promise<LoadSample> =>
    system.load.ask<LoadSample>('load', { ...plan, durationMs }, durationMs + 30_000)
  await load(Math.min(longestWarmUpMs, plan.durationMs))
  const before = await readCounters(system)
  const sample = await load(plan.durationMs)
  const after = await readCounters(system)
  return {
    ...sample,
    serverCpuUs: (after.cpuUs - before.cpuUs) / sample.calls,
    ...(system.commits ? { commitsPerCall: (after.commits - before.commits) / sample.calls } : {}),
  }
}

async function readCounters(system: RunningSystem): Promise<CpuTime & { commits: number }> {
  const commits = (await system.commits?.()) ?? 0
  return { ...(await system.server.ask<CpuTime>('cpu')), commits }
}

/** Ends a system's processes. */
export async function stopSystem(system: RunningSystem): Promise<void> {
  await Promise.all(system.processes.map((process) => process.stop()))
}

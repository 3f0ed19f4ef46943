import type { RouteBehaviour, RoutesHost } from './route-behaviour.ts'
import { routeBehaviours } from './route-behaviours.ts'

/** Behaviours that a host does not have, by id, each with the reason. */
export type Deviations = Readonly<Record<string, string>>

/** How long a behaviour that a host does not have is tried before it counts as missing, in milliseconds. */
const patienceMs = 3_000

/** The deviations of a host that is called directly: all behaviours that need a socket. */
export function withoutSocket(reason: string): Deviations {
  return Object.fromEntries(routeBehaviours.filter(({ socket }) => socket).map(({ id }) => [id, reason]))
}

/** What is wrong with deviations: ids of no behaviour, reasons that say nothing, and behaviours the host does have. */
export async function wrongDeviations(
  host: RoutesHost,
  deviations: Deviations,
  behaviours: readonly RouteBehaviour[] = routeBehaviours,
): Promise<string[]> {
  const wrong: string[] = []
  for (const [id, reason] of Object.entries(deviations)) {
    const behaviour = behaviours.find((each) => each.id === id)
    if (behaviour === undefined) wrong.push(`${id}: there is no such behaviour`)
    else if (reason.trim() === '') wrong.push(`${id}: no reason is given`)
    else if (await isKept(behaviour, host)) wrong.push(`${id}: the host has it`)
  }
  return wrong
}

async function isKept(behaviour: RouteBehaviour, host: RoutesHost): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const tooLate = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), patienceMs)
  })
  const kept = behaviour.run(host).then(
    () => true,
    () => false,
  )
  const answer = await Promise.race([kept, tooLate])
  clearTimeout(timer)
  return answer
}

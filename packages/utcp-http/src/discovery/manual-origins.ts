import type { CallTemplate } from '@atp/utcp'
import { leadsToLoopback } from '../outbound/loopback.ts'

/**
 * Knows which manuals come from elsewhere: their tools must not lead to this machine, whatever they name. Manuals that
 * were written down here, or come from this machine, may.
 */
export class ManualOrigins {
  readonly #fromElsewhere = new Map<string, boolean>()

  /** Remembers where a manual was found in the end. */
  remember(manual: CallTemplate, isFromElsewhere: boolean): void {
    if (manual.name !== undefined) this.#fromElsewhere.set(manual.name, isFromElsewhere)
  }

  forget(manual: CallTemplate): void {
    if (manual.name !== undefined) this.#fromElsewhere.delete(manual.name)
  }

  /** Whether tools of a manual may be at this machine. One that another protocol found is judged by its template. */
  mayLeadHere(manual: CallTemplate): boolean {
    const known = manual.name === undefined ? undefined : this.#fromElsewhere.get(manual.name)
    if (known !== undefined) return !known
    // Where a URL is a variable it is not known here, and so not this machine's.
    return typeof manual.url !== 'string' || leadsToLoopback(manual.url)
  }
}

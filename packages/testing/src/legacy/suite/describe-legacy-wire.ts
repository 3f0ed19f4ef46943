import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { contextSentences } from './context.ts'
import { errorSentences } from './errors.ts'
import { identitySentences } from './identity.ts'
import { inboxSentences } from './inbox.ts'
import type { LegacyHub, StartLegacyHub } from './legacy-hub.ts'
import { livenessSentences } from './liveness.ts'
import { llmHttpSentences } from './llm-http.ts'
import { llmSocketSentences } from './llm-socket.ts'
import { registrationSentences } from './registration.ts'
import { robustnessSentences } from './robustness.ts'
import { Scene } from './scene.ts'
import type { Sentence } from './sentence.ts'
import { storeSentences } from './store.ts'
import { taskSentences } from './task.ts'
import { toolkitSocketSentences } from './toolkit-socket.ts'

/** All sentences of the reference, in its order, by theme. */
export const legacySentences: Readonly<Record<string, readonly Sentence[]>> = {
  identity: identitySentences,
  registration: registrationSentences,
  inbox: inboxSentences,
  'toolkit socket': toolkitSocketSentences,
  liveness: livenessSentences,
  'LLM socket': llmSocketSentences,
  context: contextSentences,
  task: taskSentences,
  errors: errorSentences,
  'LLM HTTP': llmHttpSentences,
  store: storeSentences,
  robustness: robustnessSentences,
}

/** Sentences that a server is known not to keep, by their titles, and why. */
export type LegacyDeviations = Readonly<Record<string, string>>

/**
 * Runs the reference of the Python SDK's wire against a server, one test for each sentence. Every theme has a server of
 * its own, and so has each sentence that restarts or strains it. A deviation is skipped, with its reason in the title;
 * one that names no sentence fails.
 */
export function describeLegacyWire(name: string, start: StartLegacyHub, deviations: LegacyDeviations = {}): void {
  describe(`the legacy wire on ${name}`, () => {
    for (const [theme, sentences] of Object.entries(legacySentences)) {
      describe(theme, () => {
        let shared: LegacyHub | undefined
        beforeAll(async () => {
          shared = await start()
        })
        afterAll(() => shared?.stop())

        for (const sentence of sentences) {
          const timeoutMs = sentence.timeoutMs ?? 30_000
          const reason = Object.hasOwn(deviations, sentence.says) ? deviations[sentence.says] : undefined
          if (reason !== undefined) it.skip(`${sentence.says} (deviation: ${reason})`, () => {})
          // Those with a server of their own mostly wait, for silence or for refusals: they wait together.
          else if (sentence.hub || sentence.ownHub)
            it.concurrent(sentence.says, () => run(sentence, shared, start), timeoutMs)
          else it(sentence.says, () => run(sentence, shared, start), timeoutMs)
        }
      })
    }

    it('deviates only from sentences that exist', () => {
      const all = new Set(Object.values(legacySentences).flatMap((each) => each.map(({ says }) => says)))
      expect(Object.keys(deviations).filter((says) => !all.has(says))).toEqual([])
    })
  })
}

async function run(sentence: Sentence, shared: LegacyHub | undefined, start: StartLegacyHub): Promise<void> {
  if (shared !== undefined && sentence.hub === undefined && sentence.ownHub === undefined) {
    await using scene = new Scene(shared)
    await sentence.run(scene)
    return
  }
  const scene = new Scene(await start(sentence.hub ?? {}))
  try {
    await using peers = scene
    await sentence.run(peers)
  } finally {
    await scene.hub.stop()
  }
}

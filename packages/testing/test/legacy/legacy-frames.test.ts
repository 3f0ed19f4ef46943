import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareFrame, frameNames, legacyFrames } from '../../src/legacy/index.ts'

const frames = legacyFrames({ toolkitId: 'target', tool: 'echo', toolkitKey: 'toolkit-key', llmKey: 'llm-key' })
const runs = { numRuns: 500, seed: 7 }
const known = frameNames().filter((name) => /^(llm-task-0|llm-get|http-)/.test(name))

/** How many of the values are frames exactly as the SDK sends them. */
function whole(values: readonly unknown[]): number {
  return values.filter((value) => known.some((name) => compareFrame(name, value).wrong.length === 0)).length
}

describe('legacyFrames', () => {
  it.each([
    ['llmSocket', frames.llmSocket('r1')],
    ['process', frames.process('r1')],
    ['registerTool', frames.registerTool],
    ['verifyHash', frames.verifyHash],
    ['verifyToolHash', frames.verifyToolHash],
    ['inboxRespond', frames.inboxRespond],
    ['executeFunction', frames.executeFunction],
  ] as [string, fc.Arbitrary<unknown>][])(
    'makes good and damaged values of %s, all of them JSON',
    (_name, arbitrary) => {
      const values = fc.sample(arbitrary, runs).map((value) => JSON.parse(JSON.stringify(value)) as unknown)
      expect(whole(values)).toBeGreaterThan(50)
      expect(whole(values)).toBeLessThan(450)
      expect(new Set(values.map((value) => JSON.stringify(value))).size).toBeGreaterThan(150)
    },
  )

  it('keeps type and request_id of what an answer is due to', () => {
    for (const frame of fc.sample(frames.llmSocket('r1'), runs)) {
      expect(frame).toMatchObject({
        request_id: 'r1',
        type: expect.stringMatching(/^(task_request|get_toolkit_context)$/),
      })
    }
  })

  it('makes texts for the toolkit socket of which some are no JSON', () => {
    const texts = fc.sample(frames.toolkitSocket, runs)
    const readable = texts.filter((text) => {
      try {
        return JSON.parse(text) !== undefined
      } catch {
        return false
      }
    })
    expect(readable.length).toBeGreaterThan(250)
    expect(readable.length).toBeLessThan(500)
  })
})

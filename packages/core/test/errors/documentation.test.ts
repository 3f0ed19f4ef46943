import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type ErrorCode, errorCodes } from '../../src/errors/codes.ts'

const page = readFileSync(new URL('../../../../docs/errors.md', import.meta.url), 'utf8')
/** Heading -> text below it, for every heading of the third level. */
const sections = new Map(
  page
    .split(/^### /m)
    .slice(1)
    .map((section) => {
      const [heading = '', ...lines] = section.split(/^## /m, 1).join('').split('\n')
      return [heading, lines.join('\n')] as const
    }),
)

describe('docs/errors.md', () => {
  it('has one section for each code, in the order of the table, and none for anything else', () => {
    expect([...sections.keys()]).toEqual(Object.keys(errorCodes))
    expect(page.match(/^### /gm)).toHaveLength(sections.size)
  })

  it.each(Object.entries(errorCodes))('says of %s when it happens, status, retryable and what to do', (code, known) => {
    const section = sections.get(code as ErrorCode) ?? ''
    const [when = '', list = ''] = section.trim().split('\n\n')
    expect(when.length).toBeGreaterThan(20)
    expect(list.split('\n')).toEqual([
      `- Status: ${known.status}`,
      `- Retryable: ${known.retryable ? 'yes' : 'no'}`,
      expect.stringMatching(/^- What to do: [A-Z].+\.$/),
    ])
  })
})

import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { closeCodes } from '../../src/protocol/close-codes.ts'
import { frameFixtures } from './frame-fixtures.ts'

const page = readFileSync(new URL('../../../../docs/protocol.md', import.meta.url), 'utf8')
/** Name and JSON of every example, in the order of the page. */
const examples = [...page.matchAll(/^```json (\S+)\n(.*?)^```$/gms)].map(([, name = '', text = '']) => ({ name, text }))

describe('docs/protocol.md', () => {
  it('shows every fixture once, and nothing else', () => {
    expect(examples.map(({ name }) => name).sort()).toEqual([...frameFixtures.keys()].sort())
    expect(page.match(/^```/gm)).toHaveLength(2 * examples.length)
  })

  it.each(examples)('shows $name as it travels, member by member', ({ name, text }) => {
    expect(JSON.stringify(JSON.parse(text))).toBe(JSON.stringify(frameFixtures.get(name)))
  })

  it('lists every type of frame', () => {
    const [table = ''] = page.match(/^\| frame .*?\n\n/ms) ?? []
    for (const { type } of frameFixtures.values()) expect(table).toContain(`\`${String(type)}\``)
  })

  it('explains every close code of ours', () => {
    const [, section = ''] = page.match(/^## Close codes\n(.*?)^## /ms) ?? []
    for (const code of Object.values(closeCodes).filter((each) => each >= 4_400)) expect(section).toContain(`${code}`)
  })

  it('links to headings that are there', () => {
    const headings = new Set(
      [...page.matchAll(/^#+ (.*)$/gm)].map(([, text = '']) => text.toLowerCase().replaceAll(' ', '-')),
    )
    for (const [, anchor = ''] of page.matchAll(/\]\(#([^)]*)\)/g)) expect([...headings]).toContain(anchor)
  })
})

import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { FindingLevel } from '../../src/lint/findings.ts'
import { lintToolkits } from '../../src/lint/lint-toolkits.ts'
import { printReport } from '../../src/lint/print-report.ts'

const properties = { 'a\u001b[2J': { type: 'string', nullable: true }, b: { description: 'B' } }
const toolkit = {
  name: 'shop\u202e',
  connects: false,
  tools: [
    { name: 'bad\u001b[2J', description: 'Bad', inputSchema: { type: 'array' } },
    { name: 'poor', description: '', inputSchema: { type: 'object', properties } },
  ],
}

function print(least: FindingLevel, isTTY: boolean, env: Record<string, string> = {}, columns?: number): string {
  let text = ''
  const report = lintToolkits([toolkit], ['openai', 'anthropic'])
  printReport(report, least, { stdout: { isTTY, columns, write: (part) => (text += part) }, env })
  return text
}

describe('a printed report', () => {
  it('tells the gravest first, and of less grave findings their number', () => {
    expect(print('hints', false)).toBe(
      `shop\\u202e/bad\\u001b[2J
  refused  all formats: left out: its input schema does not describe an object (root_not_object)

shop\\u202e/poor
  loses    all formats: "nullable" left out at /properties/a\\u001b[2J, because it is no keyword of JSON Schema 2020-12, or its value is none (keyword_dropped)
  hint     no description (no_tool_description)
  hint     no description of the parameter "a\\u001b[2J" (no_param_description)

2 tools, 2 formats: 1 tool refused, 1 tool told incompletely, 2 hints, 2 tools changed without loss (--all)
`,
    )
    expect(print('changes', false)).toMatch(/\n {2}change {3}anthropic: property .+ \(property_renamed\)\n\n/)
  })

  it('has colours on a terminal only, and none for those who refuse them', () => {
    const coloured = print('changes', true)
    expect(coloured).toContain('\u001b[31mrefused  \u001b[39m')
    expect(coloured).toContain('\u001b[33mloses')
    expect(stripVTControlCharacters(coloured)).toBe(print('changes', false))
    expect(print('changes', true, { NO_COLOR: '1' })).toBe(print('changes', false))
  })

  it('is broken at spaces to fit a terminal, and a line each for everything else', () => {
    const narrow = print('hints', true, { NO_COLOR: '1' }, 60)
    expect(narrow).toContain(
      '  refused  all formats: left out: its input schema does not\n           describe an object (root_not_object)\n\n',
    )
    expect(print('hints', false, {}, 60)).toBe(print('hints', false))
    expect(print('hints', true, { NO_COLOR: '1' }, 5)).toContain(
      '  refused  all formats: left out: its input schema\n           does not describe an object\n           (root',
    )
  })
})

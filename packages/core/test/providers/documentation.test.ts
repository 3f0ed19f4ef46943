import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { changeCodes } from '../../src/providers/lowering/lowering-context.ts'
import { strictLimits } from '../../src/providers/lowering/strict-limits.ts'
import { providerRules } from '../../src/providers/provider-rules.ts'

const page = readFileSync(new URL('../../../../docs/providers.md', import.meta.url), 'utf8')
const rows = page.split('\n').filter((line) => line.startsWith('| '))

/** A number as the page writes it. */
const written = (value: number): string => value.toLocaleString('en-US')

describe('docs/providers.md', () => {
  it.each(Object.entries(changeCodes))('says of the change %s whether it loses something', (code, loses) => {
    const row = rows.find((line) => line.startsWith(`| \`${code}\` |`))
    expect(row?.split('|')[2]?.trim()).toBe(loses ? 'yes' : 'no')
  })

  it.each(Object.values(providerRules))(
    'names the limits of $provider',
    ({ provider, maxTools, maxSchemaBytes, maxResultLength, maxDescriptionLength }) => {
      expect(page).toContain(`\`${provider}\``)
      for (const limit of [maxTools, maxSchemaBytes, maxResultLength, maxDescriptionLength])
        expect(page).toContain(written(limit))
    },
  )

  it('names the limits of strict mode', () => {
    const { longEnum, ...counts } = strictLimits
    for (const limit of [...Object.values(counts), ...Object.values(longEnum)]) expect(page).toContain(written(limit))
    for (const format of providerRules['openai-strict'].formats ?? []) expect(page).toContain(format)
    for (const keyword of providerRules['openai-strict'].keywords) expect(page).toContain(keyword)
  })
})

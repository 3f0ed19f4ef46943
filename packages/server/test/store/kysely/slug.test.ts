import fc from 'fast-check'
import { expect, it } from 'vitest'
import { freeSlug, slugify } from '../../../src/store/kysely/slug.ts'

/** Lone surrogates and control characters too; every second one is a Latin letter or near it. */
const anyText = fc
  .array(fc.oneof(fc.nat(0xffff), fc.nat(0x17f)), { maxLength: 150 })
  .map((codes) => String.fromCharCode(...codes))

it.each([
  ['weather', 'weather'],
  ['My Weather App', 'my-weather-app'],
  ['snake_case-and-dashes', 'snake_case-and-dashes'],
  ['  Büro & Café!  ', 'buro-cafe'],
  ['ﬁnance ２０２６', 'finance-2026'],
  ['İstanbul', 'istanbul'],
  ['-._', '_'],
  ['天気', 'toolkit'],
  ['!!!', 'toolkit'],
  [`${'x'.repeat(63)} tail`, 'x'.repeat(63)],
])('turns %j into %j', (appName, slug) => {
  expect(slugify(appName)).toBe(slug)
})

it('makes a valid slug of any text', () => {
  fc.assert(
    fc.property(anyText, (appName) => {
      expect(slugify(appName)).toMatch(/^[a-z0-9_-]{1,64}$/)
    }),
  )
})

it('leaves a slug as it is when it is made again', () => {
  fc.assert(
    fc.property(anyText, (appName) => {
      expect(slugify(slugify(appName))).toBe(slugify(appName))
    }),
  )
})

it('counts up from 2 to the first that is free', () => {
  expect(freeSlug('app', new Set())).toBe('app')
  expect(freeSlug('app', new Set(['app']))).toBe('app-2')
  expect(freeSlug('app', new Set(['app', 'app-2', 'app-4']))).toBe('app-3')
})

it('cuts a long slug to make room for the number', () => {
  const long = 'x'.repeat(64)
  const taken = new Set([long, ...Array.from({ length: 8 }, (_, index) => `${'x'.repeat(62)}-${index + 2}`)])
  expect(freeSlug(long, taken)).toBe(`${'x'.repeat(61)}-10`)
})

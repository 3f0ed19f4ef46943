import { describe, expect, test } from 'vitest'
import { compileGlob } from '../../src/text/glob.ts'

describe('compileGlob', () => {
  test.each([
    ['*.ts', ['a.ts', 'src/a.ts', 'src/.ts'], ['a.tsx', 'ts']],
    ['read?e.md', ['readme.md', 'docs/readme.md'], ['README.md', 'reade.md', 'rea/e.md']],
    ['src/*.ts', ['src/a.ts'], ['a.ts', 'src/deep/a.ts', 'lib/src/a.ts']],
    ['src/**/*.ts', ['src/a.ts', 'src/deep/er/a.ts'], ['a.ts', 'src/a.js']],
    ['**/test/**', ['test/a', 'x/y/test/a/b'], ['test', 'x/testing/a']],
    ['src/', ['src/a', 'src/deep/a'], ['src', 'a/src/b']],
    ['./src/*.ts', ['src/a.ts'], ['x/src/a.ts']],
    ['/*.md', ['a.md'], ['docs/a.md']],
    ['*.{ts,tsx}', ['a.ts', 'b/a.tsx'], ['a.js', 'a.{ts,tsx}']],
    ['a{b,{c,d}e}', ['ab', 'ace', 'ade'], ['ac', 'a']],
    ['[id].tsx', ['app/[id].tsx'], ['app/i.tsx']],
    ['a+(b).c$', ['a+(b).c$'], ['aab.c']],
    ['a,b', ['a,b'], ['a']],
  ])('%s matches %j and not %j', (glob, matching, others) => {
    const matches = compileGlob(glob)
    expect(matching.filter((path) => !matches(path))).toEqual([])
    expect(others.filter(matches)).toEqual([])
  })

  test.each([
    ['!*.ts', 'negation is not supported'],
    ['src\\*.ts', 'backslash'],
    ['*.{ts', 'without its pair'],
    ['a}b{c', 'without its pair'],
  ])('refuses %s and says why', (glob, reason) => {
    expect(() => compileGlob(glob)).toThrow(reason)
  })

  test('takes no exponential time', () => {
    expect(compileGlob(`${'*a'.repeat(60)}b`)('a'.repeat(4_000))).toBe(false)
  })
})

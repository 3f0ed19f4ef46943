import { describe, expect, test } from 'vitest'
import { isUnlistedName, parseRelativePath } from '../../src/confinement/relative-path.ts'

describe('parseRelativePath', () => {
  test.each([
    ['', []],
    ['.', []],
    ['./', []],
    ['src', ['src']],
    ['./src//deep/./file.ts/', ['src', 'deep', 'file.ts']],
    ['%2e%2e/etc', ['%2e%2e', 'etc']],
    ['~/x', ['~', 'x']],
    ['a..b/c..', ['a..b', 'c..']],
  ])('splits %j into its parts without decoding anything', (path, parts) => {
    expect(parseRelativePath(path)).toEqual(parts)
  })

  test.each([
    ['..', 'contains ".."'],
    ['src/../../x', 'contains ".."'],
    ['src/../x', 'contains ".."'],
    ['/etc/passwd', 'is absolute'],
    ['//server/share', 'is absolute'],
    ['C:/Windows', 'is absolute'],
    ['C:', 'is absolute'],
    ['..\\..\\x', 'backslash'],
    ['src\\x', 'backslash'],
    ['src/x\0.ts', 'NUL'],
    ['x'.repeat(4_097), 'longer than 4096'],
  ])('refuses %j and says why', (path, reason) => {
    expect(() => parseRelativePath(path)).toThrow(reason)
  })

  test.each([
    '.env',
    '.ENV',
    './.env',
    '.env/',
    '.env.',
    '.git/config',
    '.GIT/config',
    'src/.hidden/x',
    '...',
    'a/...b',
  ])('refuses the dot name in %j', (path) => {
    expect(() => parseRelativePath(path)).toThrow('dot files, git-ignored files and private folders')
  })

  test('quotes a path with control characters on one line', () => {
    expect(() => parseRelativePath('/a\nb\u001b[31m')).toThrow('Path "/a\\nb\\u001b[31m" is absolute')
  })
})

test('names with a dot first or a backslash are never listed', () => {
  expect(['.a', 'a\\b', 'a.b', 'a'].map(isUnlistedName)).toEqual([true, true, false, false])
})

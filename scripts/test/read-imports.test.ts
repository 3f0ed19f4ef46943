import { describe, expect, it } from 'vitest'
import { importsOf, packageOf } from './read-imports.ts'

describe('importsOf', () => {
  it('finds every way to ask for a module', () => {
    const text = [
      "import a from 'static'",
      "import type { B } from 'type-only'",
      "import * as c from 'namespace'",
      "import 'side-effect'",
      'import {',
      '  type D,',
      '  e,',
      "} from 'several-lines'",
      "export { f } from 're-export'",
      "export * from 'star'",
      'import g from "double-quotes"',
      "const h = await import('dynamic')",
      "const i = require('required')",
      "const j = import.meta.resolve('resolved')",
      "const k: import('in-a-type').K = 1",
    ].join('\n')
    expect(importsOf(text).sort()).toEqual([
      ...['double-quotes', 'dynamic', 'in-a-type', 'namespace', 're-export', 'required', 'resolved'],
      ...['several-lines', 'side-effect', 'star', 'static', 'type-only'],
    ])
  })

  it('finds none where there is none', () => {
    const text = [
      " * import { a } from 'doc-comment'",
      "// import b from 'comment'",
      "const text = Array.from('abc')",
      "export const move = (c) => new Error(`cannot move from '` + c)",
      'export const d = 1',
    ].join('\n')
    expect(importsOf(text)).toEqual([])
  })
})

describe('packageOf', () => {
  it('cuts subpaths off', () => {
    expect(['@atp/core/protocol', '@atp/core', 'zod/mini', 'zod'].map(packageOf)).toEqual([
      '@atp/core',
      '@atp/core',
      'zod',
      'zod',
    ])
  })
})

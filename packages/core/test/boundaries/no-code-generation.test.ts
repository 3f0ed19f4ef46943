import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { typescriptFiles } from '../../../../scripts/test/read-imports.ts'

const source = fileURLToPath(new URL('../../src', import.meta.url))
const script = fileURLToPath(new URL('./run-both-forms.ts', import.meta.url))
const generators = /\beval\s*\(|\bnew\s+Function\b|(?<![.\w])Function\s*\(|setTimeout\(\s*['"`]/

describe('the source', () => {
  it('generates no code', () => {
    const files = typescriptFiles(source)
    expect(files.length).toBeGreaterThan(20)
    expect(files.filter((file) => generators.test(readFileSync(join(source, file), 'utf8')))).toEqual([])
  })

  it.each(['eval("1")', 'eval ( x )', 'new Function("a", "b")', "Function('return 1')", 'setTimeout("x()", 1)'])(
    'would be caught at %s',
    (text) => {
      expect(text).toMatch(generators)
    },
  )
})

describe('a process that may not generate code', () => {
  it('registers and runs a zod tool and a JSON Schema tool', async () => {
    const flags = ['--disallow-code-generation-from-strings', '--conditions=@atp/source', '--no-warnings']
    const { stdout } = await promisify(execFile)(process.execPath, [...flags, script])
    expect(JSON.parse(stdout)).toEqual({
      generation: 'refused',
      zod: { ok: true, json: '{"city":"Oslo","days":3}' },
      zodRefusal: 'invalid_params',
      jsonSchema: { ok: true, json: '{"city":"Oslo"}' },
      jsonSchemaRefusal: 'invalid_params',
    })
  })
})

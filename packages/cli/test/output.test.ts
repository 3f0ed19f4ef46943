import { describe, expect, it } from 'vitest'
import { createOutput, hasColours, type Output } from '../src/output.ts'

function capture(terminal: { isTTY?: boolean; columns?: number } = {}, env: Record<string, string> = {}) {
  const written = { out: '', err: '' }
  const output: Output = createOutput({
    stdout: { ...terminal, write: (text) => (written.out += text) },
    stderr: { write: (text) => (written.err += text) },
    env,
  })
  return { output, written }
}

describe('json', () => {
  it('writes one line for programs', () => {
    const { output, written } = capture()
    output.json({ a: [1, 2], b: 'x' })
    expect(written.out).toBe('{"a":[1,2],"b":"x"}\n')
  })

  it('indents for people', () => {
    const { output, written } = capture({ isTTY: true })
    output.json({ a: 1 })
    expect(written.out).toBe('{\n  "a": 1\n}\n')
  })

  it('writes null for nothing', () => {
    const { output, written } = capture()
    output.json(undefined)
    expect(written.out).toBe('null\n')
  })

  it('escapes what JSON itself would let through to the terminal', () => {
    const { output, written } = capture()
    output.json({ text: '\u001b\u009b\u202e\n' })
    expect(written.out).toBe('{"text":"\\u001b\\u009b\\u202e\\n"}\n')
  })
})

describe('table', () => {
  const rows = [
    ['a', 10, 'short'],
    ['longer', 2, 'a description that goes on and on'],
  ]

  it('aligns columns and leaves no spaces at line ends', () => {
    const { output, written } = capture()
    output.table(['NAME', 'COUNT', 'TEXT'], rows)
    expect(written.out.split('\n')).toEqual([
      'NAME    COUNT  TEXT',
      'a       10     short',
      'longer  2      a description that goes on and on',
      '',
    ])
  })

  it('cuts the last column to the width of a terminal', () => {
    const { output, written } = capture({ isTTY: true, columns: 30 }, { NO_COLOR: '1' })
    output.table(['NAME', 'COUNT', 'TEXT'], rows)
    expect(written.out).toContain('longer  2      a description…\n')
  })

  it('keeps a row on one line and without control characters', () => {
    const { output, written } = capture()
    output.table(['NAME'], [['two\nlines\u001b[31m']])
    expect(written.out).toBe('NAME\ntwo\\u000alines\\u001b[31m\n')
  })

  it('colours on a terminal, and not where NO_COLOR is set', () => {
    const row = [[{ text: 'active', style: 'green' as const }, 'x']]
    const coloured = capture({ isTTY: true })
    coloured.output.table(['STATE', 'NAME'], row)
    expect(coloured.written.out).toContain('\u001b[32mactive\u001b[39m  x')
    const plain = capture({ isTTY: true }, { NO_COLOR: '1' })
    plain.output.table(['STATE', 'NAME'], row)
    expect(plain.written.out).not.toContain('\u001b')
  })
})

describe('hasColours', () => {
  it('is for terminals only', () => {
    expect(hasColours({ isTTY: true, write: () => {} }, {})).toBe(true)
    expect(hasColours({ write: () => {} }, {})).toBe(false)
    expect(hasColours({ isTTY: true, write: () => {} }, { TERM: 'dumb' })).toBe(false)
  })
})

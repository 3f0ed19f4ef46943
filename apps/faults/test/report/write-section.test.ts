import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { writeSection } from '../../src/report/write-section.ts'

function page(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'atp-page-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'page.md')
  writeFileSync(file, text)
  return file
}

it('replaces what stands between the markers, and nothing else', async () => {
  const file = page('before\n<!-- a:begin -->\nold\n<!-- a:end -->\nafter\n')
  await writeSection(file, 'a', 'new\n')
  await writeSection(file, 'a', 'newer\n')
  expect(readFileSync(file, 'utf8')).toBe('before\n<!-- a:begin -->\nnewer\n<!-- a:end -->\nafter\n')
})

it('leaves a page alone that has no such section', async () => {
  const file = page('<!-- b:end -->\n<!-- b:begin -->\n')
  await expect(writeSection(file, 'b', 'new')).rejects.toThrow('has no section')
  expect(readFileSync(file, 'utf8')).not.toContain('new')
})

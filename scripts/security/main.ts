// Writes the generated parts of docs/security.md. With --check it writes nothing, and fails where the page is not what
// it would write. Either way it fails, and writes nothing, when a claim is not backed by tests that are there.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeSecurityPage, pagePath } from './security-page.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const { onDisk, expected, problems } = makeSecurityPage(root)
const isStale = onDisk !== expected

for (const problem of problems) process.stderr.write(`${problem}\n`)
if (problems.length > 0) {
  process.stderr.write(`${problems.length} problems with what scripts/security/claims says\n`)
  process.exitCode = 1
} else if (!process.argv.includes('--check')) {
  if (isStale) writeFileSync(join(root, pagePath), expected)
  process.stdout.write(`${pagePath} is ${isStale ? 'written' : 'up to date'}\n`)
} else if (isStale) {
  process.stderr.write(`${pagePath} is out of date: npm run docs:security\n`)
  process.exitCode = 1
}

import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Guard } from './guard.ts'
import { guards } from './guards.ts'

/**
 * Removes each guarded line alone and runs its test, which must fail: `npm run guards [PART OF A NAME]`. Changes source
 * files while it runs and puts them back, so nothing else should work in this folder meanwhile.
 */
const root = fileURLToPath(new URL('../..', import.meta.url))
const scratch = mkdtempSync(join(tmpdir(), 'atp-guards-'))
const [filter = ''] = process.argv.slice(2)
const chosen = guards.filter(({ rule, does, file }) => `${rule} ${does} ${file}`.includes(filter))
let restore = (): void => {}

process.on('exit', () => {
  restore()
  rmSync(scratch, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130))

let held = 0
for (const guard of chosen) {
  const verdict = await checkGuard(guard)
  held += verdict === undefined ? 1 : 0
  process.stdout.write(`${verdict === undefined ? 'held' : 'OPEN'}  ${guard.rule}  ${guard.does}\n`)
  if (verdict !== undefined) process.stdout.write(`      ${verdict}\n`)
}
process.stdout.write(`${held} of ${chosen.length} guards are held by their tests\n`)
process.exitCode = held === chosen.length && chosen.length > 0 ? 0 : 1

/** Undefined when the guard's test fails without it, and only then; otherwise what is wrong. */
async function checkGuard(guard: Guard): Promise<string | undefined> {
  const path = join(root, guard.file)
  const text = readFileSync(path, 'utf8')
  if (text.split(guard.line).length !== 2) return `${guard.file} does not hold the line exactly once: ${guard.line}`
  const before = await failuresOf(guard.test)
  if (before.length > 0) return `fails before the line is removed: ${before.join('; ')}`
  restore = () => writeFileSync(path, text)
  try {
    writeFileSync(
      path,
      text.replace(guard.line, () => guard.without),
    )
    const failed = await failuresOf(guard.test)
    if (failed.includes(guard.title)) return undefined
    return failed.length === 0
      ? `${guard.test} passes without ${guard.file}: ${guard.line.trim()}`
      : `other tests fail than "${guard.title}": ${failed.slice(0, 3).join('; ')}`
  } finally {
    restore()
    restore = () => {}
  }
}

interface Report {
  testResults: { message: string; assertionResults: { status: string; title: string }[] }[]
}

/** The titles of the tests of a file that fail; those of a file that does not load are its message. */
async function failuresOf(file: string): Promise<string[]> {
  const folder = join(root, file.split('/').slice(0, 2).join('/'))
  const output = join(scratch, 'report.json')
  const args = ['run', relative(folder, join(root, file)), '--reporter=json', `--outputFile=${output}`]
  const vitest = spawn('vitest', args, { cwd: folder, stdio: 'ignore', env: { ...process.env, CI: 'true' } })
  await new Promise((done) => vitest.on('close', done))
  const report = JSON.parse(readFileSync(output, 'utf8')) as Report
  rmSync(output)
  return report.testResults.flatMap(({ message, assertionResults }) => {
    const failed = assertionResults.filter(({ status }) => status === 'failed').map(({ title }) => title)
    return failed.length === 0 && message !== '' ? [`${dirname(file)}: ${message.slice(0, 200)}`] : failed
  })
}

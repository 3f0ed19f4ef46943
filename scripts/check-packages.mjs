// Packs every public package and checks what its users would get: publint, are-the-types-wrong, and knip for what
// nobody uses. Ends with the plain line "N passed, M failed".
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const packages = readdirSync(join(root, 'packages'))
  .map((name) => join(root, 'packages', name))
  .filter((folder) => existsSync(join(folder, 'package.json')))
  .filter((folder) => !JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).private)
const pin = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).packageManager
// Only pnpm knows what publishConfig does to a packed package.
const pnpm = process.env.npm_config_user_agent?.startsWith('pnpm/12.') ? ['pnpm'] : ['npx', '--yes', pin]
let passed = 0
let failed = 0

function check(what, command, args, cwd) {
  const run = spawnSync(command, args, { cwd, encoding: 'utf8' })
  if (run.status === 0) {
    passed += 1
    process.stdout.write(`ok      ${what}\n`)
  } else {
    failed += 1
    process.stdout.write(`FAILED  ${what}\n${run.stdout ?? ''}${run.stderr ?? ''}${run.error?.message ?? ''}\n`)
  }
}

const packed = mkdtempSync(join(tmpdir(), 'atp-pack-'))
try {
  for (const folder of packages) {
    const { name } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    const [command, ...args] = [...pnpm, 'pack', '--json', '--pack-destination', packed]
    const printed = JSON.parse(execFileSync(command, args, { cwd: folder, encoding: 'utf8' }))
    const { filename } = Array.isArray(printed) ? printed[0] : printed
    check(`${name}: publint`, 'publint', ['run', '--strict', filename], root)
    check(`${name}: types for every consumer`, 'attw', [filename, '--profile', 'esm-only'], root)
  }
  check('knip: nothing unused, nothing undeclared', 'knip', ['--no-progress'], root)
} finally {
  rmSync(packed, { recursive: true, force: true })
}
process.stdout.write(`${passed} passed, ${failed} failed\n`)
process.exit(failed === 0 ? 0 : 1)

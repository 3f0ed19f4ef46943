// Uses every public package as a stranger would: packed, installed with npm in an empty folder outside the workspace,
// compiled by TypeScript 5.9 and 7, run as ESM and through require. Ends with the plain line "N passed, M failed".
// --keep leaves the folder there and prints where it is.
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'))
const pin = readJson(join(root, 'package.json')).packageManager
const pnpm = process.env.npm_config_user_agent?.startsWith('pnpm/12.') ? ['pnpm'] : ['npx', '--yes', pin]
const catalog = new Map(
  readFileSync(join(root, 'pnpm-workspace.yaml'), 'utf8')
    .split('\ncatalog:\n')[1]
    .split('\n')
    .map((line) => /^ {2}"?([^":]+)"?: (\S+)$/.exec(line))
    .filter((match) => match !== null)
    .map(([, name, version]) => [name, version]),
)
const compilers = { 'TypeScript 5.9': 'typescript-5', 'TypeScript 7': 'typescript-7' }
let passed = 0
let failed = 0

const folder = mkdtempSync(join(tmpdir(), 'atp-consumer-'))
try {
  const tarballs = packAll()
  install(tarballs)
  for (const [compiler, alias] of Object.entries(compilers)) {
    const out = `out-${alias}`
    const tsc = join(folder, 'node_modules', alias, 'bin', 'tsc')
    if (!check(`${compiler}: compiles the ESM and the CommonJS app`, process.execPath, [tsc, '--outDir', out])) continue
    check(`${compiler}: the ESM app runs`, process.execPath, [join(out, 'esm.mjs')])
    check(`${compiler}: the CommonJS app runs`, process.execPath, [join(out, 'cjs.cjs')])
  }
} finally {
  if (process.argv.includes('--keep')) process.stdout.write(`kept ${folder}\n`)
  else rmSync(folder, { recursive: true, force: true })
}
process.stdout.write(`${passed} passed, ${failed} failed\n`)
process.exit(failed === 0 ? 0 : 1)

/** Packs what is published; returns name -> path of the tarball. */
function packAll() {
  const tarballs = {}
  for (const name of readdirSync(join(root, 'packages'))) {
    const cwd = join(root, 'packages', name)
    if (!existsSync(join(cwd, 'package.json'))) continue
    const manifest = readJson(join(cwd, 'package.json'))
    if (manifest.private) continue
    const [command, ...args] = [...pnpm, 'pack', '--json', '--pack-destination', folder]
    const printed = JSON.parse(execFileSync(command, args, { cwd, encoding: 'utf8' }))
    tarballs[manifest.name] = (Array.isArray(printed) ? printed[0] : printed).filename
  }
  return tarballs
}

function install(tarballs) {
  cpSync(join(root, 'scripts/consumer'), folder, { recursive: true })
  const ours = Object.fromEntries(Object.entries(tarballs).map(([name, path]) => [name, `file:${path}`]))
  const frameworks = [
    'express',
    'fastify',
    'hono',
    '@nestjs/common',
    '@nestjs/core',
    '@nestjs/platform-express',
    'reflect-metadata',
    'rxjs',
    'zod',
  ]
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({
      private: true,
      type: 'module',
      dependencies: { ...ours, ...Object.fromEntries(frameworks.map((name) => [name, catalog.get(name)])) },
      devDependencies: {
        '@types/node': catalog.get('@types/node'),
        'typescript-5': 'npm:typescript@5.9.3',
        'typescript-7': `npm:typescript@${catalog.get('typescript')}`,
      },
    }),
  )
  const args = ['install', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error']
  if (!check('npm installs the packed packages', 'npm', args)) throw new Error('nothing to check without an install')
}

function check(what, command, args) {
  const run = spawnSync(command, args, { cwd: folder, encoding: 'utf8', timeout: 300_000 })
  const ok = run.status === 0
  if (ok) passed += 1
  else failed += 1
  process.stdout.write(`${ok ? 'ok    ' : 'FAILED'}  ${what}\n`)
  if (!ok) process.stdout.write(`${run.stdout ?? ''}${run.stderr ?? ''}${run.error?.message ?? ''}\n`)
  return ok
}

// Makes `npm start`, `npm test` and friends work on a machine that has only Node and npm: installs the workspace with
// the pinned pnpm when the lockfile changed, then runs a workspace script ("run NAME …") or the pinned Node
// ("node …", with no shell in between, so that signals and exit codes pass straight through).
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { delimiter } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (file) => (existsSync(root + file) ? readFileSync(root + file, 'utf8') : undefined)
const pin = JSON.parse(read('package.json')).packageManager
const underPinnedPnpm = process.env.npm_config_user_agent?.startsWith('pnpm/12.')
const pnpm = underPinnedPnpm ? ['pnpm'] : ['npx', '--yes', pin]
const signals = ['SIGINT', 'SIGTERM']

/** Runs a command to its end; exits with its exit code when that is not 0. Output goes to stderr when `quiet`. */
function run([command, ...args], { quiet = false } = {}) {
  return new Promise((done) => {
    const child = spawn(command, args, {
      cwd: root,
      env: {
        TURBO_TELEMETRY_DISABLED: '1',
        ...process.env,
        PATH: `${root}node_modules/.bin${delimiter}${process.env.PATH}`,
      },
      // A command's --json output must stay the only thing on stdout, also on the run that installs.
      stdio: quiet ? ['ignore', 2, 2] : 'inherit',
      shell: process.platform === 'win32',
    })
    const pass = (signal) => child.kill(signal)
    for (const signal of signals) process.on(signal, pass)
    child.on('error', (error) => {
      process.stderr.write(`Could not run ${command}: ${error.message}\n`)
      process.exit(1)
    })
    child.on('close', (code, signal) => {
      for (const name of signals) process.off(name, pass)
      if (code === 0) done()
      else process.exit(code ?? (signal === 'SIGINT' ? 130 : 143))
    })
  })
}

const lockfile = read('pnpm-lock.yaml')
if (lockfile !== read('node_modules/.pnpm/lock.yaml')) {
  process.stderr.write('Installing the workspace (once)…\n')
  await run([...pnpm, 'install', '--frozen-lockfile'], { quiet: true })
}
const [mode, ...rest] = process.argv.slice(2)
if (mode === 'run') await run([...pnpm, 'run', ...rest])
else if (mode === 'node') await run(['node', ...rest])
else {
  process.stderr.write('Usage: bootstrap.mjs run SCRIPT… | node ARGS…\n')
  process.exit(2)
}

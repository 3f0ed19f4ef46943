// Starts the server the way a new user does, calls a tool through the command line, and ends it with SIGTERM.
// Ends with the plain line "N passed, M failed".
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const data = mkdtempSync(join(tmpdir(), 'atp-start-'))
const env = { ...process.env, ATP_DATA: data, PORT: '0' }
delete env.ATP_API_KEY
delete env.ATP_BASE_URL
let passed = 0
let failed = 0

function check(what, holds, shown = '') {
  if (holds) passed += 1
  else failed += 1
  process.stdout.write(`${holds ? 'ok    ' : 'FAILED'}  ${what}\n${holds ? '' : `${shown}\n`}`)
}

/** What `npm run -s atp -- …` prints, as JSON. */
function atp(...args) {
  const run = spawnSync('npm', ['run', '-s', 'atp', '--', ...args], { cwd: root, env, encoding: 'utf8' })
  try {
    return { code: run.status, value: JSON.parse(run.stdout), text: run.stdout + run.stderr }
  } catch {
    return { code: run.status, value: undefined, text: run.stdout + run.stderr }
  }
}

const server = spawn('npm', ['start'], { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] })
let output = ''
server.stdout.setEncoding('utf8').on('data', (text) => {
  output += text
})
const exited = new Promise((done) => server.on('exit', (code, signal) => done(code ?? signal)))

async function until(holds, seconds) {
  const end = Date.now() + seconds * 1_000
  while (!holds() && Date.now() < end) await new Promise((done) => setTimeout(done, 50))
  return holds()
}

try {
  check(
    'npm start says when it is ready',
    await until(() => output.includes('ATP server ready on http://'), 120),
    output,
  )
  const search = atp('call', 'workspace', 'search_text', '--params', '{"pattern":"ATP"}', '--json')
  check(
    'a call through the command line finds real text',
    search.code === 0 && JSON.stringify(search.value).includes('README.md'),
    search.text,
  )
  const context = atp('context', 'workspace', '--provider', 'anthropic', '--json')
  const tools = context.value?.tools ?? []
  const valid = tools.every(
    ({ name, description, input_schema, ...rest }) =>
      /^[a-zA-Z0-9_-]{1,64}$/.test(name) &&
      description &&
      input_schema?.type === 'object' &&
      Object.keys(rest).length === 0,
  )
  check('the context holds valid Anthropic tools', tools.length >= 7 && valid, context.text)
  const startedAt = Date.now()
  server.kill('SIGTERM')
  const code = await Promise.race([exited, new Promise((done) => setTimeout(() => done('nothing in 25 s'), 25_000))])
  check(
    `SIGTERM ends it with code 0 (${((Date.now() - startedAt) / 1_000).toFixed(1)} s)`,
    code === 0,
    `it ended with ${code}`,
  )
  const left = () =>
    spawnSync('pgrep', ['-f', join(root, 'apps/workspace-toolkit/src/toolkit-process.ts')], {
      encoding: 'utf8',
    }).stdout.trim()
  check('no process is left', await until(() => left() === '', 5), `still running: ${left()}`)
} finally {
  server.kill('SIGKILL')
  rmSync(data, { recursive: true, force: true })
}
process.stdout.write(`${passed} passed, ${failed} failed\n`)
process.exit(failed === 0 ? 0 : 1)

import { execFile } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { silentLogger, ToolKitClient } from '@atp/core'
import { createServer } from '@atp/server'
import { expect, test } from 'vitest'
import { registerWorkspaceTools } from '../src/workspace-toolkit.ts'
import { TempWorkspace } from './temp-workspace.ts'

const atp = fileURLToPath(new URL('../../../packages/cli/src/main.ts', import.meta.url))

/** Runs `atp lint` from its sources, as a step of CI would. */
function lint(args: readonly string[], env: Record<string, string> = {}): Promise<{ code: unknown; output: string }> {
  const options = { cwd: tmpdir(), env: { PATH: process.env.PATH, ...env } }
  return new Promise((resolve) => {
    execFile(process.execPath, ['--conditions=@atp/source', atp, 'lint', ...args], options, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, output: stdout + stderr }),
    )
  })
}

/** No provider refuses a tool or is told less than it says, and nothing is without a description. */
const clean = {
  code: 0,
  output: '7 tools, 6 formats: nothing refused, nothing lost, 7 tools changed without loss (--all)\n',
}

test('atp lint finds nothing in the module of the workspace toolkit', async () => {
  const file = fileURLToPath(new URL('../src/workspace.ts', import.meta.url))
  expect(await lint([file, '--fail-on', 'hints'])).toEqual(clean)
})

test('atp lint finds nothing in the workspace toolkit on a server', async () => {
  using workspace = new TempWorkspace()
  const dataDir = join(workspace.outside, 'data')
  const server = await createServer({ dataDir, port: 0, dev: true, logger: silentLogger })
  const { url } = await server.listen()
  const { key } = await server.createKey({ kind: 'toolkit', name: 'workspace' })
  const toolkit = new ToolKitClient({ apiKey: key, baseUrl: url, appName: 'workspace' })
  registerWorkspaceTools(toolkit, { folder: workspace.folder })
  await toolkit.start()
  const result = await lint(['workspace', '--fail-on', 'hints'], { ATP_DATA: dataDir })
  await toolkit.stop()
  await server.close(0)
  expect(result).toEqual(clean)
})

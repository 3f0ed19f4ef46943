import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** A folder with a root in it and something beside the root that nobody may read. */
export interface TestFolder extends AsyncDisposable {
  readonly root: string
  /** Absolute, beside the root; holds {@link secret}. */
  readonly outside: string
  write(path: string, content: string | Uint8Array): Promise<string>
}

export const secret = 'nobody may read this'

export async function testFolder(): Promise<TestFolder> {
  const base = await realpath(await mkdtemp(join(tmpdir(), 'utcp-text-')))
  const root = join(base, 'root')
  const outside = join(base, 'root-secret.json')
  await mkdir(root)
  await writeFile(outside, secret)
  return {
    root,
    outside,
    async write(path, content) {
      const file = join(root, path)
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, content)
      return file
    },
    [Symbol.asyncDispose]: () => rm(base, { recursive: true, force: true }),
  }
}

/** A manual with one tool whose result is a text. */
export function manualOf(name = 'greeting', content = 'hello'): Record<string, unknown> {
  return {
    utcp_version: '1.0.1',
    manual_version: '1.0.0',
    tools: [{ name, tool_call_template: { call_template_type: 'text', content } }],
  }
}

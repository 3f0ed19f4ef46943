import { execFileSync } from 'node:child_process'
import { link, mkdir, symlink, unlink, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { UtcpClient } from '@atp/utcp'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { file, type TextOptions } from '../src/index.ts'
import { secret, type TestFolder, testFolder } from './support/folder.ts'

let folder: TestFolder
let client: UtcpClient

/** What a tool with that path returns. */
async function read(path: string, using: UtcpClient = client): Promise<unknown> {
  await using.registerManual({ name: 'm', call_template_type: 'file', file_path: 'manual.json' })
  try {
    return await using.callTool('m.read', { path })
  } finally {
    await using.deregisterManual('m')
  }
}

/** A client whose only tool reads the path of its arguments, as no real one does: templates come from manuals. */
async function clientOf(options: TextOptions = {}, maxResponseBytes?: number): Promise<UtcpClient> {
  const inner = file({ rootDir: folder.root, ...options })()
  const withPath = {
    ...{ callTemplateTypes: inner.callTemplateTypes, close: () => inner.close() },
    registerManual: async () => ({
      manual: { tools: [{ name: 'read', tool_call_template: { call_template_type: 'file', file_path: 'x' } }] },
    }),
    deregisterManual: async () => {},
    callTool: (...[caller, name, args, template, context]: Parameters<typeof inner.callTool>) =>
      inner.callTool(caller, name, args, { ...template, file_path: args.path }, context),
    async *callToolStreaming() {},
  }
  const limits = maxResponseBytes === undefined ? {} : { maxResponseBytes }
  return UtcpClient.create({}, { protocols: [withPath], ...limits })
}

beforeAll(async () => {
  folder = await testFolder()
  await folder.write('in/a.txt', 'inside')
  await mkdir(join(folder.root, '..hidden'))
  await folder.write('..hidden/b.txt', 'inside too')
  await symlink(folder.outside, join(folder.root, 'link.json'))
  await symlink('..', join(folder.root, 'up'))
  await symlink('in/a.txt', join(folder.root, 'good-link'))
  await symlink('loop', join(folder.root, 'loop'))
  client = await clientOf()
})

afterAll(async () => {
  await client.close()
  await folder[Symbol.asyncDispose]()
})

describe('a path within the root', () => {
  it.each(['in/a.txt', './in/a.txt', 'in/../in/a.txt', 'good-link', '..hidden/../in/a.txt'])(
    '%s is read',
    async (path) => {
      expect(await read(path)).toBe('inside')
    },
  )

  it('may begin with two dots that are part of a name', async () => {
    expect(await read('..hidden/b.txt')).toBe('inside too')
  })

  it('may be absolute', async () => {
    expect(await read(join(folder.root, 'in/a.txt'))).toBe('inside')
  })

  it('is fine when the root is a link itself', async () => {
    const root = join(folder.root, '..', 'linked-root')
    await symlink(folder.root, root)
    await using linked = await clientOf({ rootDir: root })
    expect(await read('in/a.txt', linked)).toBe('inside')
    expect(await read(join(root, 'in/a.txt'), linked)).toBe('inside')
    await expect(read('link.json', linked)).rejects.toMatchObject({ path: 'file_path' })
  })
})

describe('a path out of the root', () => {
  it.each([
    '../root-secret.json',
    'in/../../root-secret.json',
    'link.json',
    'up/root-secret.json',
    'in/../up/root-secret.json',
    '/etc/passwd',
    '..',
    '../missing.json',
    '/',
  ])('%s is refused, naming the member', async (path) => {
    await expect(read(path)).rejects.toMatchObject({ code: 'invalid_call_template', path: 'file_path' })
  })

  it('is refused when it is absolute', async () => {
    await expect(read(folder.outside)).rejects.toMatchObject({ code: 'invalid_call_template' })
  })

  it('does not tell what is there', async () => {
    const refusal = (path: string) => read(path).then(String, ({ message }: Error) => message.replace(path, ''))
    const missing = `${folder.outside}.not`
    expect(await refusal(folder.outside)).toBe(await refusal(missing))
    expect(await refusal(missing)).toContain('outside of the root')
  })

  it('is open with allowOutsideRoot', async () => {
    await using open = await clientOf({ allowOutsideRoot: true })
    expect(await read('../root-secret.json', open)).toBe(secret)
    expect(await read(folder.outside, open)).toBe(secret)
    expect(await read('link.json', open)).toBe(secret)
  })

  it('is never read, however it is written', async () => {
    const part = fc.constantFrom(
      ...['..', '.', 'in', 'up', 'link.json', 'good-link', 'loop', 'a.txt', 'root', 'root-secret.json', '..hidden'],
      ...['', '/', '%2e%2e', '..%2f', '\\', '..\\', '\0', 'etc', 'passwd', '~', '...', 'C:'],
    )
    const anyPath = fc.oneof(
      fc.array(part, { minLength: 1, maxLength: 12 }).map((parts) => parts.join('/')),
      fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => `${folder.root}/${parts.join('/')}`),
      fc.string({ minLength: 1 }).map((text) => `in/${text}`),
      fc.nat(12).map((up) => `${'../'.repeat(up)}${relative('/', folder.outside)}`),
    )
    let allowed = 0
    await fc.assert(
      fc.asyncProperty(anyPath, async (path) => {
        const found = await read(path).catch((error: { code: string; message: string }) => {
          expect(['invalid_call_template', 'call_failed']).toContain(error.code)
          expect(error.message).not.toContain(secret)
          return undefined
        })
        if (found === undefined) return
        allowed += 1
        expect(['inside', 'inside too']).toContain(found)
      }),
      { numRuns: 1_000, examples: [['in/a.txt'], ['../root-secret.json'], ['in/\0']] },
    )
    expect(allowed).toBeGreaterThan(0)
  })
})

describe('a file that cannot be read', () => {
  it.each([
    ['there is no such file', 'missing.txt'],
    ['is not an ordinary file', 'in'],
    ['not a folder', 'in/a.txt/b'],
    ['go in circles', 'loop'],
    ['too long', 'n'.repeat(3_000)],
  ])('says why without the whole path: %s', async (reason, path) => {
    const { message, code } = (await read(path).catch((error: unknown) => error)) as { message: string; code: string }
    expect(code).toBe('call_failed')
    expect(message).toContain(reason)
    expect(message).not.toContain(folder.root)
    expect(message.length).toBeLessThan(400)
  })

  it('fails for NUL, by name', async () => {
    await expect(read('in/a.txt\0.json')).rejects.toMatchObject({ path: 'file_path', message: /NUL/ })
  })

  it.runIf(process.platform !== 'win32')('does not wait for a pipe', async () => {
    execFileSync('mkfifo', [join(folder.root, 'pipe')])
    await expect(read('pipe')).rejects.toThrow('is not an ordinary file')
  })

  it('is refused when it is no text', async () => {
    await folder.write('binary', new Uint8Array([0x68, 0xff, 0xfe]))
    await expect(read('binary')).rejects.toMatchObject({ code: 'invalid_response' })
  })

  it("is refused when it is too large, by the client's limit", async () => {
    await using small = await clientOf({}, 100_000)
    const limit = await folder.write('limit', 'a'.repeat(100_000))
    expect(await read('limit', small)).toHaveLength(100_000)
    await writeFile(limit, 'a'.repeat(100_001))
    await expect(read('limit', small)).rejects.toMatchObject({ code: 'response_too_large' })
  })

  it('is refused above 5 MiB by default', async () => {
    await folder.write('huge', Buffer.alloc(5 * 1_048_576 + 1, 'a'))
    await expect(read('huge')).rejects.toMatchObject({ code: 'response_too_large' })
  })

  it("is a hard link's own matter: what lies in the root is in the root", async () => {
    await link(folder.outside, join(folder.root, 'hard'))
    expect(await read('hard')).toBe(secret)
    await unlink(join(folder.root, 'hard'))
  })

  it('stops at a signal', async () => {
    await folder.write('large', 'a'.repeat(4_000_000))
    await using open = await clientOf()
    await open.registerManual({ name: 'm', call_template_type: 'file', file_path: 'x' })
    const stop = new AbortController()
    const called = open.callTool('m.read', { path: 'large' }, { signal: stop.signal })
    stop.abort()
    await expect(called).rejects.toMatchObject({ code: 'cancelled' })
  })
})

import { mkdirSync, renameSync, rmSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { kitModule, startSession } from './dev-session.ts'

const names = { added: [], changed: [], removed: [], unchanged: [] }

describe('a saved change', () => {
  it('is what the next call runs, on the connection that was there', async () => {
    await using dev = await startSession({ 'tools.ts': kitModule({ greet: "() => 'old'" }) })
    expect(await dev.next('ready')).toMatchObject({ toolkits: [{ toolkit: 'kit', added: ['greet'] }] })
    expect(await dev.call('greet')).toBe('old')
    const registered = dev.logged.filter((event) => event === 'toolkit.registered').length

    dev.write('tools.ts', kitModule({ greet: "() => 'new'" }))
    expect(await dev.next('reloaded')).toMatchObject({
      files: [dev.path('tools.ts')],
      toolkits: [{ ...names, unchanged: ['greet'] }],
    })
    expect(await dev.call('greet')).toBe('new')
    expect(dev.connections()).toBe(1)
    // The server was told nothing: what it knows of the tool is the same.
    expect(dev.logged.filter((event) => event === 'toolkit.registered')).toHaveLength(registered)
  })

  it('tells the server of tools that are new, described otherwise or gone', async () => {
    await using dev = await startSession({
      'tools.ts': kitModule({ same: '() => 1', other: '() => 1', gone: '() => 1' }),
    })
    await dev.next('ready')
    const text = kitModule({ same: '() => 1', other: '() => 1', fresh: '() => 2' })
    dev.write('tools.ts', text.replace('Does other', 'Does more'))
    expect(await dev.next('reloaded')).toMatchObject({
      toolkits: [{ added: ['fresh'], changed: ['other'], removed: ['gone'], unchanged: ['same'] }],
    })
    expect(await dev.call('fresh')).toBe(2)
    await expect(dev.call('gone')).rejects.toMatchObject({ code: 'tool_not_found' })
    const { tools } = await dev.llm.getToolkitContext({ toolkitId: 'kit', provider: 'anthropic' })
    expect(tools).toContainEqual(expect.objectContaining({ name: 'other', description: 'Does more' }))
    expect(dev.connections()).toBe(1)
  })

  it('tells the server of another caption', async () => {
    const text = kitModule({ greet: '() => 1' })
    await using dev = await startSession({ 'tools.ts': text })
    await dev.next('ready')
    dev.write('tools.ts', text.replace("appName: 'kit'", "appName: 'kit', caption: 'Kind tools'"))
    expect(await dev.next('reloaded')).toMatchObject({ toolkits: [{ identity: true, unchanged: ['greet'] }] })
    expect(await dev.llm.getToolkitContext({ toolkitId: 'kit', provider: 'openai' })).toMatchObject({
      caption: 'Kind tools',
    })
  })

  it('counts in what the file imports, also where that is imported by a call', async () => {
    await using dev = await startSession({
      'tools.ts': kitModule(
        { greet: '() => word', late: "async () => (await import('./late.ts')).word" },
        "import { word } from './parts.ts'",
      ),
      'parts.ts': "export { word } from './word.ts'",
      'word.ts': "export const word: string = 'old'",
      'late.ts': "export const word = 'early'",
    })
    await dev.next('ready')
    dev.write('word.ts', "export const word: string = 'new'")
    expect(await dev.next('reloaded')).toMatchObject({ files: [dev.path('word.ts')] })
    expect(await dev.call('greet')).toBe('new')
    expect(await dev.call('late')).toBe('early')
    dev.write('late.ts', "export const word = 'late'")
    expect(await dev.next('reloaded')).toMatchObject({ files: [dev.path('late.ts')] })
    expect(await dev.call('late')).toBe('late')
  })

  it('counts when an editor puts a new file in the place of the old one', async () => {
    await using dev = await startSession({ 'tools.ts': kitModule({ greet: "() => '1'" }) })
    await dev.next('ready')
    for (const word of ['2', '3']) {
      dev.replace('tools.ts', kitModule({ greet: `() => '${word}'` }))
      await dev.next('reloaded')
      expect(await dev.call('greet')).toBe(word)
    }
  })

  it('counts when the whole folder is another one', async () => {
    const parts = (word: string): string => `export const word = '${word}'`
    await using dev = await startSession({
      'tools.ts': kitModule({ greet: '() => word' }, "import { word } from './parts/word.ts'"),
    })
    // The part is not there at first: that is told, and mended by its coming.
    expect(await dev.next('failed')).toMatchObject({
      message: expect.stringContaining('parts/word.ts'),
      serving: false,
    })
    mkdirSync(dev.path('parts'))
    dev.write('parts/word.ts', parts('old'))
    await dev.next('ready')
    expect(await dev.call('greet')).toBe('old')
    mkdirSync(dev.path('other'))
    dev.write('other/word.ts', parts('new'))
    renameSync(dev.path('parts'), dev.path('away'))
    renameSync(dev.path('other'), dev.path('parts'))
    await dev.next('reloaded')
    expect(await dev.call('greet')).toBe('new')
    rmSync(dev.path('away'), { recursive: true })
  })

  it('may bring a toolkit and take one away', async () => {
    await using dev = await startSession(
      { 'a.ts': kitModule({ one: '() => 1' }, '', 'first'), 'b.ts': kitModule({ two: '() => 2' }, '', 'second') },
      { entries: ['a.ts', 'b.ts'] },
    )
    await dev.next('ready')
    expect(await dev.call('one', {}, 'first')).toBe(1)
    expect(await dev.call('two', {}, 'second')).toBe(2)
    dev.write('b.ts', kitModule({ three: '() => 3' }, '', 'third'))
    expect(await dev.next('reloaded')).toMatchObject({
      toolkits: [
        { toolkit: 'first', unchanged: ['one'] },
        { toolkit: 'third', added: ['three'] },
        { toolkit: 'second', removed: ['two'] },
      ],
    })
    expect(await dev.call('three', {}, 'third')).toBe(3)
    await expect(dev.call('two', {}, 'second')).rejects.toMatchObject({ code: 'toolkit_offline' })
  })

  it('is told of when the tools change by themselves', async () => {
    const grow = `() => {
      kit.registerTool({ name: 'fresh', description: 'Fresh', params: { type: 'object' } }, () => 'fresh')
      kit.removeTool('grow')
      return 1
    }`
    await using dev = await startSession({ 'tools.ts': kitModule({ grow, greet: '() => 1' }) })
    await dev.next('ready')
    await dev.call('grow')
    expect(await dev.next('reloaded')).toMatchObject({
      toolkits: [{ added: ['fresh'], removed: ['grow'], unchanged: ['greet'] }],
    })
    expect(await dev.call('fresh')).toBe('fresh')
  })

  it('counts in the file of the environment', async () => {
    const tools = kitModule({ greet: '() => process.env.WORD' })
    await using dev = await startSession({ 'tools.ts': tools, '.env': '' }, { envFile: '.env' })
    await dev.next('ready')
    dev.write('.env', 'WORD=new')
    expect(await dev.next('reloaded')).toMatchObject({ files: [dev.path('.env')] })
  })
})

describe('a file that cannot be loaded', () => {
  const good = kitModule({ greet: "() => 'old'" })

  it.each([
    ['has wrong syntax', 'tools.ts', 'const a: number = 1\nlet b = ;', /SyntaxError: .+, at .+tools\.ts:2$/],
    ['throws', 'tools.ts', "\nthrow new TypeError('no luck')", /TypeError: no luck, at .+tools\.ts:2:7$/],
    [
      'has what cannot be stripped',
      'tools.ts',
      'enum A { B }',
      /enum is not supported.+tools\.ts:1 \(Node only takes types out.+erasable/,
    ],
    [
      'exports no toolkit',
      'tools.ts',
      'export const a = 1',
      /tools\.ts: it exports no toolkit: export a Toolkit.+them$/,
    ],
    ['ends the process', 'tools.ts', 'process.exit(7)', /tools\.ts: its process ended \(exit code 7\)$/],
    [
      'has two of one name',
      'tools.ts',
      `${good}\nexport const b = new Toolkit({ appName: 'kit' })`,
      /another toolkit "kit"/,
    ],
    ['imports a name that is none', 'tools.ts', "import './part'", /ERR|Cannot find module .+\.ts is there\)$/],
  ])('leaves all as it was, and says that it %s', async (_what, name, text, message) => {
    await using dev = await startSession({ 'tools.ts': good, 'part.ts': '' })
    await dev.next('ready')
    dev.write(name, text)
    expect(await dev.next('failed')).toMatchObject({ message: expect.stringMatching(message), serving: true })
    expect(await dev.call('greet')).toBe('old')
    dev.write(name, kitModule({ greet: "() => 'mended'" }))
    await dev.next('reloaded')
    expect(await dev.call('greet')).toBe('mended')
    expect(dev.connections()).toBe(1)
  })

  it('says where plain JavaScript has wrong syntax', async () => {
    await using dev = await startSession({ 'tools.mjs': '\n\nlet b = ;' })
    const { message } = await dev.next('failed')
    expect(message).toMatch(/SyntaxError: Unexpected token ';', at .+tools\.mjs:3$/)
  })

  it('is loaded again when something changes that it had not come to', async () => {
    await using dev = await startSession({
      'tools.ts': kitModule({ greet: '() => word' }, "import { word } from './word.ts'"),
      'word.ts': "export const word = 'old'",
    })
    await dev.next('ready')
    dev.write('word.ts', "export const word = '")
    await dev.next('failed')
    dev.write('word.ts', "export const word = 'new'")
    await dev.next('reloaded')
    expect(await dev.call('greet')).toBe('new')
  })
})

describe('a call under way', () => {
  it('ends with the code it began with, while others run the new one', async () => {
    await using dev = await startSession({
      'tools.ts': kitModule({
        slow: `async () => {
          const { existsSync } = await import('node:fs')
          console.log('begun')
          while (!existsSync('go')) await new Promise((resolve) => setTimeout(resolve, 20))
          return 'old'
        }`,
      }),
    })
    await dev.next('ready')
    const slow = dev.call('slow')
    await dev.next('output')
    dev.write('tools.ts', kitModule({ slow: "() => 'new'" }))
    await dev.next('reloaded')
    expect(await dev.call('slow')).toBe('new')
    dev.write('go', '')
    expect(await slow).toBe('old')
  })

  it('is told when its process dies, and the next one runs in a new process', async () => {
    await using dev = await startSession({ 'tools.ts': kitModule({ die: '() => process.exit(3)', ok: "() => 'ok'" }) })
    await dev.next('ready')
    await expect(dev.call('die')).rejects.toMatchObject({
      code: 'tool_error',
      message: 'The tool gave no answer: its process ended (exit code 3)',
    })
    expect(await dev.next('failed')).toMatchObject({
      message: 'The tools cannot be called: its process ended (exit code 3)',
    })
    await dev.next('reloaded')
    expect(await dev.call('ok')).toBe('ok')
    expect(dev.connections()).toBe(1)
  })
})

describe('a client in the file that starts itself', () => {
  it('is not connected a second time', async () => {
    const more = `
      export const client = new ToolKitClient({ appName: 'own', apiKey: 'atp_toolkit_wrong' })
      client.registerTool({ name: 'one', description: 'One', params: { type: 'object' } }, () => 1)
      await client.start()
      await client.whenRegistered()`
    await using dev = await startSession({ 'tools.ts': kitModule({}, more) })
    expect((await dev.next('ready')).toolkits.map(({ toolkit }) => toolkit).sort()).toEqual(['kit', 'own'])
    expect(await dev.call('one', {}, 'own')).toBe(1)
    expect(dev.connections()).toBe(2)
  })
})

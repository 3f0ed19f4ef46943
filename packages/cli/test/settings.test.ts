import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { baseFolder, defaultDataDir, findConnection, readConnection, readDataFolder } from '../src/settings.ts'
import { temporaryFolder } from './run-atp.ts'

const fileKeys = {
  baseUrl: 'http://127.0.0.1:5001',
  adminKey: 'file-admin',
  llmKey: 'file-llm',
  toolkitKey: 'file-toolkit',
}

/** A folder whose `.atp` has keys. */
function folderWithKeys(keys: object = fileKeys): { cwd: string; data: string } {
  const cwd = temporaryFolder()
  const data = join(cwd, '.atp')
  mkdirSync(data)
  writeFileSync(join(data, 'dev-keys.json'), JSON.stringify(keys))
  return { cwd, data }
}

describe('the data folder', () => {
  it('is .atp where the user is, which npm tells as INIT_CWD', () => {
    expect(defaultDataDir({}, '/work')).toBe('/work/.atp')
    expect(defaultDataDir({ INIT_CWD: '/home/user' }, '/work')).toBe('/home/user/.atp')
    expect(defaultDataDir({ INIT_CWD: '' }, '/work')).toBe('/work/.atp')
    expect(baseFolder({ env: { INIT_CWD: '/home/user' }, cwd: '/work' })).toBe('/home/user')
  })

  it('is the flag, else ATP_DATA, else the default', () => {
    const place = { cwd: '/work', env: { ATP_DATA: 'from-env', INIT_CWD: '/home/user' } }
    expect(readDataFolder('from-flag', place)).toEqual({ folder: '/home/user/from-flag', named: true })
    expect(readDataFolder('/absolute', place)).toEqual({ folder: '/absolute', named: true })
    expect(readDataFolder(undefined, place)).toEqual({ folder: '/home/user/from-env', named: true })
    expect(readDataFolder(undefined, { cwd: '/work', env: { ATP_DATA: '' } })).toEqual({
      folder: '/work/.atp',
      named: false,
    })
  })
})

describe('findConnection', () => {
  it('takes flags before the environment before dev-keys.json', async () => {
    const { cwd } = folderWithKeys()
    const env = { ATP_BASE_URL: 'http://127.0.0.1:5002', ATP_API_KEY: 'env-key' }
    const flags = { baseUrl: 'http://127.0.0.1:5003', apiKey: 'flag-key' }
    expect(await findConnection(flags, { env, cwd }, 'llm')).toEqual({ baseUrl: flags.baseUrl, apiKey: 'flag-key' })
    expect(await findConnection({}, { env, cwd }, 'llm')).toEqual({ baseUrl: env.ATP_BASE_URL, apiKey: 'env-key' })
    expect(await findConnection({}, { env: {}, cwd }, 'llm')).toEqual({ baseUrl: fileKeys.baseUrl, apiKey: 'file-llm' })
  })

  it('takes each setting from where it is found first', async () => {
    const { cwd } = folderWithKeys()
    expect(await findConnection({ apiKey: 'flag-key' }, { env: {}, cwd }, 'llm')).toEqual({
      baseUrl: fileKeys.baseUrl,
      apiKey: 'flag-key',
    })
    expect(await findConnection({}, { env: { ATP_BASE_URL: 'http://localhost:1' }, cwd }, 'llm')).toEqual({
      baseUrl: 'http://localhost:1',
      apiKey: 'file-llm',
    })
  })

  it('counts an empty variable as absent', async () => {
    const { cwd } = folderWithKeys()
    const env = { ATP_BASE_URL: '', ATP_API_KEY: '', ATP_DATA: '' }
    expect(await findConnection({}, { env, cwd }, 'llm')).toEqual({ baseUrl: fileKeys.baseUrl, apiKey: 'file-llm' })
  })

  it('takes the admin key for admin commands', async () => {
    const { cwd, data } = folderWithKeys()
    expect((await findConnection({}, { env: {}, cwd }, 'admin'))?.apiKey).toBe('file-admin')
    expect((await findConnection({ data }, { env: {}, cwd: '/' }, 'admin'))?.apiKey).toBe('file-admin')
    expect((await findConnection({}, { env: { ATP_DATA: data }, cwd: '/' }, 'admin'))?.apiKey).toBe('file-admin')
  })

  it('asks the default address where only a key is given', async () => {
    expect(await findConnection({ apiKey: 'k' }, { env: {}, cwd: temporaryFolder() }, 'llm')).toEqual({
      baseUrl: 'http://127.0.0.1:4870',
      apiKey: 'k',
    })
  })

  it('sends no key to another machine because of a file that merely lies in the current folder', async () => {
    const { cwd, data } = folderWithKeys({ ...fileKeys, baseUrl: 'http://elsewhere.example' })
    expect(await findConnection({}, { env: {}, cwd }, 'llm')).toBeUndefined()
    expect((await findConnection({ apiKey: 'mine' }, { env: {}, cwd }, 'llm'))?.baseUrl).toBe('http://127.0.0.1:4870')
    expect(await findConnection({ data }, { env: {}, cwd }, 'llm')).toEqual({
      baseUrl: 'http://elsewhere.example',
      apiKey: 'file-llm',
    })
  })

  it('sends the keys of such a file to no other machine either', async () => {
    const { cwd, data } = folderWithKeys()
    const elsewhere = { baseUrl: 'https://127.0.0.1.elsewhere.example' }
    expect(await findConnection(elsewhere, { env: {}, cwd }, 'llm')).toBeUndefined()
    expect((await findConnection({ ...elsewhere, data }, { env: {}, cwd }, 'llm'))?.apiKey).toBe('file-llm')
  })

  it('refuses a key with spaces without repeating it', async () => {
    const failure = await findConnection(
      { apiKey: 'atp_llm_secret x' },
      { env: {}, cwd: temporaryFolder() },
      'llm',
    ).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'invalid_config' })
    expect(String(failure)).not.toContain('secret')
  })

  it.each([
    '{',
    '[]',
    'null',
    '{"baseUrl": "http://127.0.0.1:1"}',
    '{"baseUrl": 1, "adminKey": "", "llmKey": "", "toolkitKey": ""}',
  ])('says that a dev-keys.json of %s is damaged', async (text) => {
    const { cwd, data } = folderWithKeys()
    writeFileSync(join(data, 'dev-keys.json'), text)
    await expect(findConnection({}, { env: {}, cwd }, 'llm')).rejects.toMatchObject({
      code: 'invalid_config',
      message: expect.stringContaining('is damaged'),
    })
  })

  it('does not need a readable dev-keys.json when everything is given', async () => {
    const { cwd, data } = folderWithKeys()
    writeFileSync(join(data, 'dev-keys.json'), '{')
    const flags = { baseUrl: 'http://127.0.0.1:1', apiKey: 'k' }
    expect(await findConnection(flags, { env: {}, cwd }, 'llm')).toEqual(flags)
  })
})

describe('readConnection', () => {
  it('names every way to give a key when there is none', async () => {
    const cwd = temporaryFolder()
    const failure = (await readConnection({}, { env: {}, cwd }, 'llm').catch((error: unknown) => error)) as Error
    expect(failure).toMatchObject({ code: 'invalid_config' })
    for (const way of ['npm start', 'atp server --dev', '--api-key', 'ATP_API_KEY', '--data', 'ATP_DATA', cwd]) {
      expect(failure.message).toContain(way)
    }
  })
})

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { describe, expect, it } from 'vitest'
import { generateMasterKey, readDevKeys } from '../../src/index.ts'
import { Canaries, type Trace } from '../support/canaries.ts'
import { playLegacy } from '../support/canary-legacy.ts'
import { CanaryRecorder } from '../support/canary-recorder.ts'
import { type CanaryServer, startCanaryServer } from '../support/canary-server.ts'
import { playAdmin, playCalls, type StoryKeys, setStage } from '../support/canary-story.ts'
import { playStrangers } from '../support/canary-strangers.ts'
import { describePostgres, emptySchema } from '../support/postgres.ts'

/*
 * Rule L2: unique secrets in every field that takes text, at debug level and in crashes, and none of them in logs, in
 * answers to others than their owners, or in the database. `canary-story.ts` says what may be where.
 */

const patience = { timeout: 120_000 }

/** One database, its servers, and all that is there to be searched. */
class Scene implements AsyncDisposable {
  readonly canaries = new Canaries()
  readonly recorders: CanaryRecorder[] = []
  readonly outputs: Trace[] = []
  #server: CanaryServer | undefined

  private constructor(
    readonly dataDir: string,
    readonly databaseUrl: string | undefined,
    readonly env: Record<string, string>,
  ) {}

  static async open(databaseUrl: string | undefined): Promise<Scene> {
    const dataDir = await mkdtemp(join(tmpdir(), 'atp-test-'))
    const { entry } = generateMasterKey()
    const scene = new Scene(dataDir, databaseUrl && withPassword(databaseUrl), {
      ATP_DATA: dataDir,
      ATP_ENCRYPTION_KEYS: entry,
    })
    scene.canaries.watchBytes('encryption key', Buffer.from(entry.slice(entry.indexOf(':') + 1), 'base64'))
    if (scene.databaseUrl !== undefined) {
      scene.env.ATP_DATABASE_URL = scene.databaseUrl
      scene.canaries.watch('database password', new URL(scene.databaseUrl).password)
    }
    return scene
  }

  /** Starts a server on the data that is there. */
  async start(): Promise<{ server: CanaryServer; recorder: CanaryRecorder; keys: StoryKeys }> {
    this.#server = await startCanaryServer(this.env)
    const recorder = new CanaryRecorder(this.#server.url)
    this.recorders.push(recorder)
    const keys = await readDevKeys(this.dataDir)
    if (!keys) throw new Error('no dev keys')
    return { server: this.#server, recorder, keys }
  }

  /** Waits until the server is gone, and keeps its output. */
  async ended(): Promise<unknown[]> {
    const how = await this.#server?.ended
    this.outputs.push({
      who: 'log',
      what: 'output of the server',
      bytes: Buffer.from(this.#server?.output() ?? '', 'latin1'),
    })
    return how ?? []
  }

  async traces(): Promise<Trace[]> {
    const running = {
      who: 'log',
      what: 'output of the server',
      bytes: Buffer.from(this.#server?.output() ?? '', 'latin1'),
    }
    const received = this.recorders.flatMap((recorder) => recorder.traces())
    return [
      ...received,
      ...this.outputs,
      running,
      ...(await filesOf(this.dataDir)),
      ...(await rowsOf(this.databaseUrl)),
    ]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const recorder of this.recorders) recorder.close()
    await this.#server?.[Symbol.asyncDispose]()
    await rm(this.dataDir, { recursive: true, force: true })
  }
}

/** Every secret in the shapes in which one stands in an error, as a driver or a parser would write it. */
function crashText(canaries: Canaries): string {
  const secret = (name: string): string => canaries.text(`${name} in a crash`)
  return [
    `cannot reach postgres://atp:${secret('password')}@db/atp`,
    `sent Authorization: Bearer ${secret('bearer token')}`,
    `key atp_llm_${secret('key')}`,
    `body {"auth_token":"${secret('end user’s token')}","api_key":"${secret('api key')}`,
    `form client_secret=${secret('client secret')}&code_verifier=${secret('verifier')}`,
    `GET https://idp.example/cb?code=${secret('authorization code')}&state=${secret('state')}`,
    `webhook whsec_${secret('webhook secret')}`,
    `ATP_ENCRYPTION_KEYS=k1:${secret('encryption key')}`,
    '{"level":30,"event":"forged"}',
  ].join('\n')
}

async function run(databaseUrl: string | undefined): Promise<void> {
  await using scene = await Scene.open(databaseUrl)
  const { canaries } = scene
  const first = await scene.start()
  for (const [name, key] of Object.entries(first.keys)) if (name !== 'baseUrl') canaries.watch(name, key.slice(-49))
  const stage = await setStage(canaries, first.recorder, first.keys)
  await playCalls(canaries, first.recorder, stage, first.keys)
  await playLegacy(canaries, first.recorder, first.keys)
  await playAdmin(canaries, first.recorder, first.keys)
  await playStrangers(canaries, first.recorder, first.keys)

  // A defect of the server, met over HTTP and over a socket.
  const member = {
    auth_token: canaries.text('token in a defect'),
    headers: { Cookie: canaries.text('cookie in a defect') },
  }
  const task = { type: 'task_request', toolkit_id: 'victim', payload: { function: 'echo', parameters: {} } }
  await first.server.fail({ type: 'defect', text: crashText(canaries), member })
  const headers = { authorization: `Bearer ${first.keys.llmKey}` }
  const answer = await first.recorder.post('caller', 'a defect', '/api/v1/atp/llm-client/process/', task, headers)
  expect(answer.text).toContain('Internal error')
  await first.server.fail({ type: 'defect', text: crashText(canaries), member })
  stage.bystander.send({ type: 'call', request_id: 'defect', toolkit_id: 'victim', tool: 'echo', params: {} })
  await stage.bystander.next((frame) => frame.request_id === 'defect')

  // Killed in the middle of a call.
  const params = { x: canaries.text('argument of a call that was killed', ['toolkit']) }
  stage.caller.send({ type: 'call', request_id: 'killed', toolkit_id: 'victim', tool: 'hang', params })
  await stage.toolkit.next((frame) => frame.type === 'call' && frame.tool === 'hang')
  expect(canaries.leaks(await scene.traces())).toEqual([])
  first.server.kill('SIGKILL')
  expect(await scene.ended()).toEqual([null, 'SIGKILL'])
  expect(canaries.leaks(await scene.traces())).toEqual([])

  // Crashes.
  for (const type of ['throw', 'reject'] as const) {
    const { server } = await scene.start()
    await server.fail({ type, text: crashText(canaries) })
    expect(await scene.ended()).toEqual([1, null])
    expect(server.output()).toContain('"event":"process.defect"')
  }
  expect(canaries.leaks(await scene.traces())).toEqual([])

  const lines = scene.outputs.flatMap(({ bytes }) =>
    bytes
      .toString('latin1')
      .split('\n')
      .filter((line) => line !== ''),
  )
  const events = new Set(lines.map((line) => (JSON.parse(line) as { event: string }).event))
  // What was searched is what was to be searched, and nothing that was sent made a line of its own.
  for (const event of [
    'http.request',
    'http.client_error',
    'socket.closed',
    'gateway.defect',
    'toolkit.error',
    'llm.error',
  ]) {
    expect(events, event).toContain(event)
  }
  expect(events).not.toContain('forged')
  await findsWhatLeaks(scene)
}

/** The detector sees what it is there for: secrets that are let out on purpose, each in a form of its own. */
async function findsWhatLeaks(scene: Scene): Promise<void> {
  const { server, recorder, keys } = await scene.start()
  const probes = new Canaries()
  const base64 = (text: string): string => Buffer.from(`xy${text}`).toString('base64')
  await server.fail({ type: 'leak', text: `a line with ${base64(probes.text('leak to the log'))}` })
  const headers = { authorization: `Bearer ${keys.adminKey}` }
  const name = Buffer.from(probes.text('leak to the database', ['admin'])).toString('hex')
  await recorder.post('admin', 'a new key', '/api/v2/keys', { kind: 'llm', name }, headers)
  await recorder.http('stranger', 'an answer', `/api/v2/calls/${probes.text('leak to a stranger')}`, { headers })
  const leaks = probes.leaks(await scene.traces())
  expect([...new Set(leaks.map((leak) => leak.replace(/:.*/, '')))]).toEqual([
    'leak to a stranger as text in stranger',
    'leak to the database as hex in files',
    'leak to the log as base64 in log',
  ])
}

describe('the detector of a canary run', () => {
  const secret = (canaries: Canaries): string => canaries.text('it', ['owner'])
  const search = (canaries: Canaries, text: string | Buffer, who = 'log'): string[] =>
    canaries.leaks([
      { who, what: 'a line', bytes: Buffer.concat([Buffer.from('so '), Buffer.from(text), Buffer.from(' it is')]) },
    ])
  const escapes = (prefix: string, text: string): string =>
    [...Buffer.from(text)].map((byte) => prefix + byte.toString(16)).join('')

  it.each<[string, (text: string) => string | Buffer]>([
    ['text', (text) => text],
    ['text', (text) => text.toUpperCase()],
    ['text', (text) => text.slice(0, 14)],
    ['text', (text) => `…${text.slice(-14)}`],
    ['hex', (text) => Buffer.from(text).toString('hex')],
    ['hex', (text) => Buffer.from(`{"a":"${text}"}`).toString('hex').toUpperCase()],
    ['percent escapes', (text) => escapes('%', text)],
    ['JSON escapes', (text) => escapes('\\u00', text)],
    ['UTF-16', (text) => Buffer.from(text, 'utf16le')],
    ['base64', (text) => Buffer.from(text).toString('base64')],
    ['base64', (text) => Buffer.from(`Basic x${text}`).toString('base64url')],
    ['base64', (text) => Buffer.from(`xy${text}x`).toString('base64')],
  ])('finds a secret as %s', (form, write) => {
    const canaries = new Canaries()
    expect(search(canaries, write(secret(canaries)))).toEqual([`it as ${form} in log: a line`])
  })

  it('finds bytes in every form, and nothing where nothing is or where it may be', () => {
    const canaries = new Canaries()
    const bytes = Buffer.from('ff00fbefbe80ffeeddccbbaa99887766', 'hex')
    canaries.watchBytes('key', bytes)
    const text = secret(canaries)
    for (const written of [bytes, bytes.toString('hex'), bytes.toString('base64'), bytes.toString('base64url')]) {
      expect(search(canaries, written)).toHaveLength(1)
    }
    expect(search(canaries, text, 'owner')).toEqual([])
    expect(search(canaries, text.slice(0, 13))).toEqual([])
  })
})

describe('a canary run', () => {
  it('finds no secret in logs, answers and files with SQLite', patience, () => run(undefined))
})

describePostgres('a canary run', () => {
  it('finds no secret in logs, answers and tables with PostgreSQL', patience, () => run(emptySchema()))
})

/** With one of our own where the database asks for none. */
function withPassword(databaseUrl: string): string {
  const url = new URL(databaseUrl)
  if (url.password === '') url.password = new Canaries().text('database password')
  return url.href
}

/** `dev-keys.json` holds the keys of a development server, for its user alone; that is what it is for. */
async function filesOf(folder: string): Promise<Trace[]> {
  const names = (await readdir(folder)).filter((name) => name !== 'dev-keys.json')
  const read = async (name: string) => ({ who: 'files', what: name, bytes: await readFile(join(folder, name)) })
  return Promise.all(names.map(read))
}

/** Every row of every table as text, in which bytes are hex. */
async function rowsOf(databaseUrl: string | undefined): Promise<Trace[]> {
  if (databaseUrl === undefined) return []
  const url = new URL(databaseUrl)
  const schema = url.searchParams.get('schema')
  url.search = ''
  const client = new Client({ connectionString: url.href })
  await client.connect()
  try {
    const { rows: tables } = await client.query<{ name: string }>(
      'select table_name as name from information_schema.tables where table_schema = $1',
      [schema],
    )
    expect(tables.length).toBeGreaterThan(5)
    const traces: Trace[] = []
    for (const { name } of tables) {
      const { rows } = await client.query<{ row: string }>(`select one::text as row from "${schema}"."${name}" one`)
      for (const { row } of rows) traces.push({ who: 'files', what: `table ${name}`, bytes: Buffer.from(row) })
    }
    return traces
  } finally {
    await client.end()
  }
}

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, type TestContext } from 'vitest'
import { type DevKeys, readDevKeys } from '../../src/index.ts'
import { startChild } from '../support/child.ts'
import { connectRawPeer, wireTool } from '../support/raw-peer.ts'

/** What the server said that it has stored. */
interface Acknowledged {
  keyIds: string[]
  /** The number of the last registration: it wrote the caption and all tools at once. */
  registration: number
}

/** How often each server is killed; every kill takes seconds. `ATP_TEST_KILLS=20` is what was promised, with figures. */
const kills = Number(process.env.ATP_TEST_KILLS ?? 3)
const writers = 4
const toolsPerRegistration = 3

/**
 * Kills a server (`kill -9`) again and again while it makes keys and takes registrations; each time all that it
 * acknowledged must be there, no registration may be half there, and it must be ready again soon.
 */
export async function killUnderWrites(
  { onTestFinished }: TestContext,
  databaseUrl?: string,
): Promise<{ dataDir: string }> {
  const dataDir = await mkdtemp(join(tmpdir(), 'atp-kill-'))
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }))
  const acknowledged: Acknowledged = { keyIds: [], registration: 0 }
  const startMs: number[] = []
  let toolkitKey: string | undefined
  for (let round = 0; round <= kills; round += 1) {
    const startedAt = performance.now()
    await using server = startChild('server-process', [dataDir, '0', ...(databaseUrl ? [databaseUrl] : [])])
    const url = await server.line(/^http/)
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
    startMs.push(performance.now() - startedAt)
    const keys = await readDevKeys(dataDir)
    if (!keys) throw new Error('no dev keys')
    toolkitKey ??= (await makeKey(url, keys, { kind: 'toolkit', name: 'written' })).key
    await check(url, keys, acknowledged)
    if (round === kills) break
    await writeUntilKilled(url, keys, toolkitKey, acknowledged, () => server.kill())
  }
  // Half of the starts, as a busy machine may hold up any single one; where it holds up all of them, a start after a
  // kill must still not take much longer than the first one, which had nothing to recover.
  const allowedMs = Math.max(3_000, 2 * (startMs[0] ?? 0))
  expect(startMs.sort((a, b) => a - b)[Math.floor(startMs.length / 2)]).toBeLessThan(allowedMs)
  expect(acknowledged.registration).toBeGreaterThan(kills)
  expect(acknowledged.keyIds.length).toBeGreaterThan(kills * writers)
  if (process.env.ATP_TEST_KILLS) {
    const { keyIds, registration } = acknowledged
    const ready = `${Math.round(startMs[0] ?? 0)} to ${Math.round(startMs.at(-1) ?? 0)} ms`
    process.stdout.write(
      `${kills} kills: ${keyIds.length} keys, ${registration} registrations kept; ready in ${ready}\n`,
    )
  }
  return { dataDir }
}

async function makeKey(url: string, keys: DevKeys, body: object): Promise<{ id: string; key: string }> {
  const answer = await fetch(`${url}/api/v2/keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${keys.adminKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (answer.status !== 201) throw new Error(`no key: ${answer.status} ${await answer.text()}`)
  return (await answer.json()) as { id: string; key: string }
}

async function writeUntilKilled(
  url: string,
  keys: DevKeys,
  toolkitKey: string,
  acknowledged: Acknowledged,
  kill: () => Promise<unknown>,
): Promise<void> {
  const enough = Promise.withResolvers<void>()
  let written = 0
  // Another number each time, so that the kill meets the server at another place.
  const target = 30 + Math.random() * 60
  const count = (): void => {
    written += 1
    if (written >= target) enough.resolve()
  }
  let killed = false
  const until = async (work: () => Promise<void>): Promise<void> => {
    try {
      while (!killed) await work()
    } catch (error) {
      if (!killed) throw error
    }
  }
  const peer = await connectRawPeer({ url, path: '/ws/v2/toolkit', key: toolkitKey })
  const writing = [
    ...Array.from({ length: writers }, () =>
      until(async () => {
        acknowledged.keyIds.push((await makeKey(url, keys, { kind: 'llm' })).id)
        count()
      }),
    ),
    until(async () => {
      const number = acknowledged.registration + 1
      const tools = toolNames(number).map((name) => wireTool(name))
      const toolkit_hash = `h${number}`
      peer.send({ type: 'register', request_id: toolkit_hash, toolkit_hash, caption: `${number}`, tools })
      await peer.next((frame) => frame.type === 'registered' && frame.request_id === toolkit_hash)
      acknowledged.registration = number
      count()
    }),
  ]
  await Promise.race([enough.promise, Promise.all(writing)])
  killed = true
  await kill()
  await Promise.all(writing)
  await peer[Symbol.asyncDispose]()
}

async function check(url: string, keys: DevKeys, acknowledged: Acknowledged): Promise<void> {
  const get = async (path: string): Promise<unknown> =>
    (await fetch(`${url}/api/v2/${path}`, { headers: { authorization: `Bearer ${keys.adminKey}` } })).json()
  const stored = new Set(((await get('keys')) as { keys: { id: string }[] }).keys.map(({ id }) => id))
  expect(acknowledged.keyIds.filter((id) => !stored.has(id))).toEqual([])
  const toolkit = (await get('toolkits/written')) as { caption: string; tools: { name: string }[] }
  const number = Number(toolkit.caption)
  // The one that was under way may be there, too; a part of it may not.
  expect(number).toBeGreaterThanOrEqual(acknowledged.registration)
  expect(toolkit.tools.map(({ name }) => name)).toEqual(number === 0 ? [] : toolNames(number))
  acknowledged.registration = number
}

function toolNames(registration: number): string[] {
  return Array.from({ length: toolsPerRegistration }, (_, index) => `tool_${registration}_${index}`)
}

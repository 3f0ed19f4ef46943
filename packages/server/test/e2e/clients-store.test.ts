import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../support/test-server.ts'

/*
 * What an LLM client can find out about toolkits, whichever way it calls them.
 */

let server: TestServer

beforeAll(async () => {
  server = await startTestServer()
  for (const appName of ['one', 'two/three ?#', 'four']) {
    const toolkit = await server.toolkit({ appName, caption: `Caption of ${appName}` })
    toolkit.registerTool({ name: 'ping', description: 'Pings', annotations: { readOnly: true } }, () => 'pong')
    await toolkit.start()
  }
  await server
    .llm()
    .listMyToolkits()
    .then(({ results }) => publish(results.find(({ name }) => name === 'one')?.toolkitId))
})

afterAll(async () => {
  await server[Symbol.asyncDispose]()
})

async function publish(id: string | undefined): Promise<void> {
  const { status } = await fetch(`${server.url}/api/v2/toolkits/${id}/publication`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${server.keys.adminKey}` },
  })
  expect(status).toBe(200)
}

describe.each(['ws', 'http'] as const)('an LLM client that calls over %s', (protocol) => {
  it('lists its own toolkits page by page', async () => {
    const llm = server.llm({ protocol })
    const first = await llm.listMyToolkits({ pageSize: 2 })
    expect(first).toMatchObject({ count: 3, page: 1, pageSize: 2, nextPage: 2, previousPage: null })
    const second = await llm.listMyToolkits({ page: first.nextPage ?? 0, pageSize: 2 })
    expect(second).toMatchObject({ page: 2, nextPage: null, previousPage: 1 })
    const all = [...first.results, ...second.results]
    expect(all.map(({ name }) => name).sort()).toEqual(['four', 'one', 'two/three ?#'])
    expect(all.find(({ name }) => name === 'one')).toEqual({
      toolkitId: expect.any(String),
      name: 'one',
      slug: 'one',
      description: 'Caption of one',
      published: true,
    })
  })

  it('lists what is published, and by whom', async () => {
    const { results } = await server.llm({ protocol }).listStoreToolkits()
    expect(results).toMatchObject([{ name: 'one', developer: { displayName: expect.any(String) } }])
    const name = results[0]?.developer?.displayName ?? ''
    const profile = await server.llm({ protocol }).getDeveloperProfile(name)
    expect(profile).toMatchObject({ displayName: name, toolkits: [{ name: 'one' }] })
  })

  it('shows a toolkit with its tools, whatever characters its name has', async () => {
    const details = await server.llm({ protocol }).getToolkitDetails('two/three ?#')
    expect(details).toMatchObject({
      name: 'two/three ?#',
      developer: { displayName: expect.any(String) },
      tools: [{ name: 'ping', description: 'Pings', inputSchema: { type: 'object' }, annotations: { readOnly: true } }],
    })
  })

  it('says what is not there, what it may not, and what it asked wrongly', async () => {
    const llm = server.llm({ protocol })
    await expect(llm.getToolkitDetails('nothing')).rejects.toMatchObject({ code: 'toolkit_not_found' })
    await expect(llm.getDeveloperProfile('Nobody & Co/..')).rejects.toMatchObject({ code: 'not_found' })
    await expect(llm.listStoreToolkits({ pageSize: 101 })).rejects.toMatchObject({ code: 'invalid_request' })
    const stranger = server.llm({ protocol, apiKey: server.keys.adminKey })
    await expect(stranger.listStoreToolkits()).rejects.toMatchObject({ code: 'forbidden' })
  })
})

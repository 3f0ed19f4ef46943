import { expect } from 'vitest'
import { expectFrame } from '../frames.ts'
import { LegacyRefusal } from '../legacy-break.ts'
import type { LegacyLlm } from '../llm/legacy-llm.ts'
import type { WireFrame } from '../wire-socket.ts'
import type { Scene } from './scene.ts'
import { echo, type Sentence, whoami } from './sentence.ts'

/** Section 5 of the reference: the store's and developers' routes. */
export const storeSentences: readonly Sentence[] = [
  {
    says: '5 store: store/toolkits/list/ is {count, page, page_size, next, previous, results}',
    async run(scene) {
      expectFrame('http-toolkit-list', await (await client(scene)).listStoreToolkits())
    },
  },
  {
    says: '5 store: developers/toolkits/ is {count, page, page_size, next, previous, results}',
    async run(scene) {
      await scene.register([echo])
      const slots = expectFrame('http-toolkit-list', await (await client(scene)).listMyToolkits())
      expect((slots.results as unknown[]).length).toBeGreaterThan(0)
      expect(slots.count).toBeGreaterThan(0)
    },
  },
  {
    says: '5 store: page and page_size choose what is listed',
    ownHub: true,
    async run(scene) {
      const names: string[] = []
      for (let toolkits = 0; toolkits < 3; toolkits += 1) names.push((await scene.register([echo])).appName)
      const llm = await client(scene)
      const pages = await Promise.all([1, 2, 3].map((page) => llm.listMyToolkits(`?page=${page}&page_size=1`)))
      const all = pages.map((page) => expectFrame('http-toolkit-list', page))
      // A hub may have toolkits of its own besides.
      expect(Number(all[0]?.count)).toBeGreaterThanOrEqual(3)
      expect(all.map(({ page, page_size }) => [page, page_size])).toEqual([
        ...[
          [1, 1],
          [2, 1],
          [3, 1],
        ],
      ])
      expect(all.every(({ results }) => (results as unknown[]).length === 1)).toBe(true)
      expect(new Set(all.map(({ results }) => JSON.stringify(results))).size).toBe(3)
      expect(all[0]).toMatchObject({ previous: null, next: expect.anything() })
      expect(all[1]).toMatchObject({ previous: expect.anything() })
      const whole = JSON.stringify(await llm.listMyToolkits('?page_size=100'))
      for (const name of names) expect(whole).toContain(name)
    },
  },
  {
    says: '5 store: store/toolkits/{id}/ is {toolkit_id, name, description, developer, tools}',
    async run(scene) {
      const { appName } = await scene.register([echo, whoami])
      const llm = await client(scene)
      const id = await idOf(llm, appName)
      const slots = expectFrame('http-toolkit-details', await llm.getToolkitDetails(id))
      expect(slots).toMatchObject({ toolkit_id: id, name: appName })
      expect((slots.tools as { name: string }[]).map(({ name }) => name).sort()).toEqual(['echo', 'whoami'])
    },
  },
  {
    says: '5 store: store/developers/{display_name}/ is {display_name, bio, toolkits}',
    async run(scene) {
      const { appName } = await scene.register([echo])
      const llm = await client(scene)
      const details = expectFrame('http-toolkit-details', await llm.getToolkitDetails(await idOf(llm, appName)))
      const profile = await llm.getDeveloperProfile(String(details.display_name))
      expect(expectFrame('http-developer', profile)).toMatchObject({ display_name: details.display_name })
    },
  },
  {
    says: '5 store: an unknown toolkit is 404 with {"error"}',
    run: async (scene) => expect404(async (llm) => llm.getToolkitDetails(scene.newName()), scene),
  },
  {
    says: '5 store: an unknown developer is 404 with {"error"}',
    run: async (scene) => expect404(async (llm) => llm.getDeveloperProfile(scene.newName()), scene),
  },
  {
    says: '5 store: no answer holds a key',
    async run(scene) {
      const { appName, apiKey } = await scene.register([echo])
      const llm = await client(scene)
      const answers = JSON.stringify([
        await llm.listStoreToolkits(),
        await llm.listMyToolkits('?page_size=100'),
        await llm.getToolkitDetails(await idOf(llm, appName)),
        await llm.getToolkitContext({ toolkitId: appName }),
      ])
      expect(answers).toContain(appName)
      expect(answers).not.toContain(apiKey)
    },
  },
]

function client(scene: Scene): Promise<LegacyLlm> {
  return scene.llm({ protocol: 'http' })
}

async function idOf(llm: LegacyLlm, appName: string): Promise<string> {
  return String((await llm.getToolkitContext({ toolkitId: appName })).toolkit_id)
}

async function expect404(run: (llm: LegacyLlm) => Promise<WireFrame>, scene: Scene): Promise<void> {
  const error = await run(await client(scene)).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(LegacyRefusal)
  expect((error as LegacyRefusal).status).toBe(404)
  expectFrame('http-error', (error as LegacyRefusal).body)
}

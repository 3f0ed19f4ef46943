import { describe, expect, it } from 'vitest'
import { InMemToolRepository, type Tool, type ToolSearchStrategy } from '../../src/index.ts'

function toolOf(name: string, description: string, tags: readonly string[]): Tool {
  const template = { call_template_type: 'fake' }
  return { name, description, tags, inputs: {}, outputs: {}, tool_call_template: template }
}

async function repositoryOf(...tools: readonly Tool[]): Promise<InMemToolRepository> {
  const repository = new InMemToolRepository()
  await repository.saveManual({ name: 'm', call_template_type: 'fake' }, manualOf(tools))
  return repository
}

function manualOf(tools: readonly Tool[]): { utcp_version: string; manual_version: string; tools: readonly Tool[] } {
  return { utcp_version: '1.0.1', manual_version: '1.0.0', tools }
}

const weather = toolOf('m.weather', 'Current weather of a city', ['weather', 'Travel'])
const invoice = toolOf('m.invoice', 'Writes an invoice for a customer', ['billing'])
const flight = toolOf('m.flight', 'Finds a flight to a city', ['travel'])

const names = (tools: readonly Tool[]): string[] => tools.map(({ name }) => name)

/** The contract of {@link ToolSearchStrategy}: each of its sentences as a test. */
export function describeToolSearchStrategy(name: string, make: () => ToolSearchStrategy): void {
  describe(`the search strategy ${name}`, () => {
    it('puts the best tool first', async () => {
      const repository = await repositoryOf(weather, invoice, flight)
      const strategy = make()
      expect(names(await strategy.searchTools(repository, 'weather in Rome', 3))[0]).toBe('m.weather')
      expect(names(await strategy.searchTools(repository, 'BILLING: invoice', 3))[0]).toBe('m.invoice')
    })

    it('returns no more than asked for, all for 0, and nothing twice', async () => {
      const tools = Array.from({ length: 30 }, (_, index) =>
        toolOf(`m.${index}`, `weather number ${index}`, ['weather']),
      )
      const repository = await repositoryOf(...tools)
      const strategy = make()
      expect(await strategy.searchTools(repository, 'weather', 7)).toHaveLength(7)
      const all = names(await strategy.searchTools(repository, 'weather', 0))
      expect([...all].sort()).toEqual(names(tools).sort())
    })

    it('keeps tools of equal rank in the order of the repository', async () => {
      const tools = Array.from({ length: 12 }, (_, index) => toolOf(`m.x${index}`, 'the same words', ['same']))
      const repository = await repositoryOf(...tools)
      const found = await make().searchTools(repository, 'same words', 0)
      const sameLength = names(tools).filter((each) => each.length === 4)
      expect(names(found).filter((each) => each.length === 4)).toEqual(sameLength)
    })

    it('returns only tools with one of the tags, in any case of letters', async () => {
      const repository = await repositoryOf(weather, invoice, flight)
      const strategy = make()
      const travel = names(await strategy.searchTools(repository, 'city weather invoice flight', 0, ['TRAVEL', 'none']))
      expect([...travel].sort()).toEqual(['m.flight', 'm.weather'])
      expect(await strategy.searchTools(repository, 'city', 0, ['none'])).toEqual([])
      const any = await strategy.searchTools(repository, 'city weather invoice flight', 0, [])
      expect(any).toHaveLength(3)
    })

    it('sees what was saved and removed since the last search, in each repository for itself', async () => {
      const strategy = make()
      const one = await repositoryOf(weather)
      const two = await repositoryOf(invoice)
      expect(names(await strategy.searchTools(one, 'weather invoice', 0))).toEqual(['m.weather'])
      expect(names(await strategy.searchTools(two, 'weather invoice', 0))).toEqual(['m.invoice'])
      const more = [toolOf('n.storm', 'Weather of a storm', ['weather']), toolOf('n.sun', 'Sunny weather', ['weather'])]
      await one.saveManual({ name: 'n', call_template_type: 'fake' }, manualOf(more))
      await one.removeTool('n.sun')
      expect(names(await strategy.searchTools(one, 'weather storm', 0)).sort()).toEqual(['m.weather', 'n.storm'])
      await one.removeManual('m')
      expect(names(await strategy.searchTools(one, 'weather storm', 0))).toEqual(['n.storm'])
    })

    it('finds nothing in an empty repository, and takes any text', async () => {
      const strategy = make()
      expect(await strategy.searchTools(new InMemToolRepository(), 'weather', 10)).toEqual([])
      const repository = await repositoryOf(weather)
      for (const query of ['', ' ', '\ud800', '.*(', '$&', 'a'.repeat(10_000), '__proto__ constructor']) {
        await strategy.searchTools(repository, query, 1)
      }
    })

    it('refuses a limit that is negative or no whole number', async () => {
      const repository = await repositoryOf(weather)
      for (const limit of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
        const search = make().searchTools(repository, 'x', limit)
        await expect(search).rejects.toMatchObject({ code: 'invalid_arguments', path: 'limit' })
      }
    })
  })
}

import { afterEach, describe, expect, it } from 'vitest'
import type { CallTemplate, ConcurrentToolRepository, Tool, UtcpManual } from '../../src/index.ts'

/** A tool of a manual as a repository gets it: with its full name. */
function toolOf(name: string, more: Partial<Tool> = {}): Tool {
  return {
    ...{ name, description: `Does ${name}`, inputs: { type: 'object' }, outputs: {}, tags: ['x'] },
    tool_call_template: { call_template_type: 'fake' },
    ...more,
  }
}

function manualOf(...names: string[]): UtcpManual {
  return { utcp_version: '1.0.1', manual_version: '1.0.0', tools: names.map((name) => toolOf(name)) }
}

function templateOf(name: string): CallTemplate {
  return { name, call_template_type: 'fake', 'x-own': { deep: [1, null, 'ü'] } }
}

const namesOf = (tools: readonly Tool[] | undefined): string[] | undefined => tools?.map(({ name }) => name)

/** The contract of {@link ConcurrentToolRepository}: each of its sentences as a test. */
export function describeToolRepository(name: string, open: () => Promise<ConcurrentToolRepository>): void {
  describe(`the tool repository ${name}`, () => {
    const opened: ConcurrentToolRepository[] = []
    const start = async (): Promise<ConcurrentToolRepository> => {
      const repository = await open()
      opened.push(repository)
      return repository
    }

    afterEach(async () => {
      for (const repository of opened.splice(0)) await repository.close?.()
    })

    it('has nothing at first, and says so with undefined, false and empty lists', async () => {
      const repository = await start()
      expect(await repository.getTool('a.x')).toBeUndefined()
      expect(await repository.getManual('a')).toBeUndefined()
      expect(await repository.getToolsByManual('a')).toBeUndefined()
      expect(await repository.getManualCallTemplate('a')).toBeUndefined()
      expect(await repository.getTools()).toEqual([])
      expect(await repository.getManuals()).toEqual([])
      expect(await repository.getManualCallTemplates()).toEqual([])
      expect(await repository.removeManual('a')).toBe(false)
      expect(await repository.removeTool('a.x')).toBe(false)
    })

    it('gives back what it was given, with members that no model knows', async () => {
      const repository = await start()
      const tool = toolOf('a.x', { 'x-more': { list: [1, 2] }, average_response_size: 12 })
      const manual = { ...manualOf(), tools: [tool], info: { title: 'T' } }
      await repository.saveManual(templateOf('a'), manual)
      expect(await repository.getTool('a.x')).toEqual(tool)
      expect(await repository.getManual('a')).toEqual(manual)
      expect(await repository.getManuals()).toEqual([manual])
      expect(await repository.getManualCallTemplate('a')).toEqual(templateOf('a'))
      expect(await repository.getManualCallTemplates()).toEqual([templateOf('a')])
    })

    it('does not change with what it was given', async () => {
      const repository = await start()
      const tags = ['before']
      const manual = { ...manualOf(), tools: [toolOf('a.x', { tags })] }
      await repository.saveManual(templateOf('a'), manual)
      tags.push('after')
      expect((await repository.getTool('a.x'))?.tags).toEqual(['before'])
    })

    it('is not changed by what it gave', async () => {
      const repository = await start()
      await repository.saveManual(templateOf('a'), manualOf('a.x'))
      const tool = (await repository.getTool('a.x')) as unknown as { tags: string[] }
      try {
        tool.tags.push('mine')
      } catch {
        // Frozen is fine, too.
      }
      expect((await repository.getTool('a.x'))?.tags).toEqual(['x'])
      expect((await repository.getTools())[0]?.tags).toEqual(['x'])
    })

    it('keeps manuals in the order in which they were saved, and tools in that of their manual', async () => {
      const repository = await start()
      await repository.saveManual(templateOf('b'), manualOf('b.2', 'b.1'))
      await repository.saveManual(templateOf('a'), manualOf('a.2', 'a.1'))
      expect(namesOf(await repository.getTools())).toEqual(['b.2', 'b.1', 'a.2', 'a.1'])
      expect(namesOf(await repository.getToolsByManual('a'))).toEqual(['a.2', 'a.1'])
      expect((await repository.getManualCallTemplates()).map((each) => each.name)).toEqual(['b', 'a'])
    })

    it('replaces a manual with all its tools, which moves it to the end', async () => {
      const repository = await start()
      await repository.saveManual(templateOf('a'), manualOf('a.old', 'a.both'))
      await repository.saveManual(templateOf('b'), manualOf('b.x'))
      await repository.saveManual(templateOf('a'), manualOf('a.both', 'a.new'))
      expect(namesOf(await repository.getTools())).toEqual(['b.x', 'a.both', 'a.new'])
      expect(await repository.getTool('a.old')).toBeUndefined()
      expect(await repository.getManuals()).toHaveLength(2)
    })

    it('gives a replaced tool as it is now, also to those who asked before', async () => {
      const repository = await start()
      for (const description of ['before', 'after']) {
        await repository.saveManual(templateOf('a'), { ...manualOf(), tools: [toolOf('a.x', { description })] })
        expect((await repository.getTool('a.x'))?.description).toBe(description)
      }
    })

    it('stays as it was when saving fails, and goes on', async () => {
      const repository = await start()
      await repository.saveManual(templateOf('a'), manualOf('a.x'))
      const { revision } = await repository.getChanges()
      const unwritable = { ...manualOf('a.y'), tools: [toolOf('a.y'), toolOf('a.z', { count: 5n as never })] }
      await expect(repository.saveManual(templateOf('a'), unwritable)).rejects.toThrow()
      expect(namesOf(await repository.getTools())).toEqual(['a.x'])
      expect((await repository.getChanges()).revision).toBe(revision)
      await repository.saveManual(templateOf('b'), manualOf('b.x'))
      expect(namesOf(await repository.getTools())).toEqual(['a.x', 'b.x'])
    })

    it('removes a manual with its tools', async () => {
      const repository = await start()
      await repository.saveManual(templateOf('a'), manualOf('a.x'))
      await repository.saveManual(templateOf('b'), manualOf('b.x'))
      expect(await repository.removeManual('a')).toBe(true)
      expect(await repository.removeManual('a')).toBe(false)
      expect(namesOf(await repository.getTools())).toEqual(['b.x'])
      expect(await repository.getTool('a.x')).toBeUndefined()
      expect(await repository.getToolsByManual('a')).toBeUndefined()
    })

    it('removes a tool, also from its manual, which stays where it was', async () => {
      const repository = await start()
      await repository.saveManual(templateOf('a'), manualOf('a.x', 'a.y'))
      await repository.saveManual(templateOf('b'), manualOf('b.x'))
      expect(await repository.removeTool('a.x')).toBe(true)
      expect(await repository.removeTool('a.x')).toBe(false)
      expect(namesOf(await repository.getTools())).toEqual(['a.y', 'b.x'])
      expect(namesOf((await repository.getManual('a'))?.tools)).toEqual(['a.y'])
    })

    it('tells which manuals and tools changed since a revision', async () => {
      const repository = await start()
      await repository.saveManual(templateOf('a'), manualOf('a.x', 'a.y'))
      const first = await repository.getChanges()
      expect(first.manuals).toBeUndefined()
      expect(await repository.getChanges(first.revision)).toEqual({ ...first, manuals: [], removedTools: [] })
      await repository.saveManual(templateOf('b'), manualOf('b.x'))
      await repository.removeTool('a.x')
      const second = await repository.getChanges(first.revision)
      expect(second).toMatchObject({ manuals: ['b'], removedTools: ['a.x'] })
      expect(second.revision).toBeGreaterThan(first.revision)
      await repository.removeTool('b.x')
      await repository.removeManual('a')
      const third = await repository.getChanges(first.revision)
      expect([...(third.manuals ?? [])].sort()).toEqual(['a', 'b'])
      expect(third.removedTools).toEqual([])
      expect(await repository.getChanges(second.revision)).toMatchObject({ manuals: ['a'], removedTools: ['b.x'] })
    })

    it('says that everything has to be read for a revision it does not know', async () => {
      const repository = await start()
      await repository.saveManual(templateOf('a'), manualOf('a.x'))
      expect((await repository.getChanges(1_000_000)).manuals).toBeUndefined()
      expect((await repository.getChanges(-5)).manuals).toBeUndefined()
    })

    it('forgets old changes, and says so', async () => {
      const repository = await start()
      await repository.saveManual(templateOf('a'), manualOf())
      const { revision } = await repository.getChanges()
      for (let count = 0; count < 20_100; count += 1) await repository.saveManual(templateOf('b'), manualOf())
      expect((await repository.getChanges(revision)).manuals).toBeUndefined()
      const now = await repository.getChanges()
      await repository.saveManual(templateOf('c'), manualOf())
      expect((await repository.getChanges(now.revision)).manuals).toEqual(['c'])
    })

    it('refuses a manual whose template has no name', async () => {
      const repository = await start()
      const nameless = { call_template_type: 'fake' }
      await expect(repository.saveManual(nameless, manualOf())).rejects.toMatchObject({ code: 'repository_failed' })
    })

    it('takes names of objects’ own members for names like any other', async () => {
      const repository = await start()
      await repository.saveManual(templateOf('constructor'), manualOf('constructor.toString', 'constructor.__proto__'))
      expect(namesOf(await repository.getTools())).toEqual(['constructor.toString', 'constructor.__proto__'])
      expect(await repository.getTool('toString')).toBeUndefined()
      expect(await repository.getManual('__proto__')).toBeUndefined()
    })

    it('shows each change as a whole, however much happens at the same time', async () => {
      const repository = await start()
      const versions = ['one', 'two', 'three'].map((version) => manualOf(`a.${version}`, `a.${version}_more`))
      await repository.saveManual(templateOf('a'), versions[0] as UtcpManual)
      const seen = await Promise.all(
        Array.from({ length: 60 }, async (_, index) => {
          if (index % 3 === 0) await repository.saveManual(templateOf('a'), versions[(index / 3) % 3] as UtcpManual)
          return namesOf(await repository.getTools()) ?? []
        }),
      )
      for (const [first, second, ...more] of seen) {
        expect(second).toBe(`${first}_more`)
        expect(more).toEqual([])
      }
    })
  })
}

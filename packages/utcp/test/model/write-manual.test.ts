import '@utcp/http'
import { createRegistry, Toolkit } from '@atp/core'
import { UtcpManualSerializer } from '@utcp/sdk'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createManual, readManual, type ToolInput, type UtcpManual, writeManual } from '../../src/index.ts'
import { manual as anyManual, jsonSchema } from '../support/arbitraries.ts'

/** Loads a manual with the published client's models, which are strict. */
const load = (written: UtcpManual): unknown =>
  new UtcpManualSerializer().validateDict(JSON.parse(JSON.stringify(written)) as Record<string, unknown>)

const http = { call_template_type: 'http', url: 'https://x.example/a' } as const
/** What its models know without packages of other protocols. */
const theirTypes = { callTemplateTypes: ['http', 'sse', 'streamable_http'] }

/** A member of that name is refused with the whole manual, as parsing JSON does. */
const manual = anyManual.filter(({ tools: _, ...head }) => !JSON.stringify(head).includes('"__proto__"'))

const written = (value: unknown): UtcpManual => writeManual(readManual(value).manual, theirTypes).manual

describe('a manual that is written', () => {
  it('has no members but those strict readers know, no nulls, and defaults of API keys written out', () => {
    const value = {
      ...{ utcp_version: '', manual_version: '', info: { title: 'x' }, 'x-own': 1 },
      tools: [
        {
          ...{
            name: 'a',
            auth: { x: 1 },
            'x-own': 1,
            average_response_size: 10.4,
            inputs: { default: null, type: 'object' },
          },
          tool_call_template: {
            ...http,
            auth: { auth_type: 'api_key', api_key: '$K' },
            'x-own': null,
            headers: { a: null },
          },
        },
        {
          name: 'b',
          tool_call_template: { ...http, auth: { auth_type: 'basic', username: 'u', password: 'p', 'x-realm': 'r' } },
        },
        { name: 'c', tool_call_template: { call_template_type: 'cli', command_name: 'x' } },
      ],
    }
    const { manual: result, warnings } = writeManual(readManual(value).manual, theirTypes)
    const rest = { description: '', outputs: {}, tags: [] }
    expect(result).toEqual({
      utcp_version: '1.0.1',
      manual_version: '1.0.0',
      tools: [
        {
          ...{ name: 'a', ...rest, average_response_size: 10, inputs: { type: 'object' } },
          tool_call_template: {
            ...{ ...http, headers: {} },
            auth: { auth_type: 'api_key', api_key: '$K', var_name: 'X-Api-Key', location: 'header' },
          },
        },
        {
          name: 'b',
          ...rest,
          inputs: {},
          tool_call_template: { ...http, auth: { auth_type: 'basic', username: 'u', password: 'p' } },
        },
      ],
    })
    expect(warnings).toEqual([expect.objectContaining({ tool: 'c', callTemplateType: 'cli' })])
    expect(load(result)).toMatchObject({ tools: [{ name: 'a' }, { name: 'b' }] })
  })

  it('is refused by strict readers in the form in which it came', () => {
    const value = { utcp_version: '1.0.1', manual_version: '1.0.0', info: {}, tools: [] }
    expect(() => load(value)).toThrow()
    expect(load(written(value))).toMatchObject({ tools: [] })
  })

  it('is loaded by the published client, whatever it was', () => {
    fc.assert(
      fc.property(manual, (value) => {
        const result = written(value)
        const loaded = load(result) as UtcpManual
        expect(loaded.tools.map(({ name }) => name)).toEqual(result.tools.map(({ name }) => name))
      }),
      { numRuns: 500 },
    )
  })

  it('has schemas that the published client takes, whatever they were', () => {
    fc.assert(
      fc.property(jsonSchema, (inputs) => {
        load(written({ tools: [{ name: 'a', inputs, tool_call_template: http }] }))
      }),
      { numRuns: 500 },
    )
  })

  it('says the same again when it is read', () => {
    fc.assert(
      fc.property(manual, (value) => {
        const once = written(value)
        expect(written(once)).toEqual(once)
      }),
      { numRuns: 200 },
    )
  })

  it('names transport and arguments of MCP servers', () => {
    const mcpServers = {
      a: { command: ['python', '-m', 'x'], args: ['y'], cwd: null },
      b: { url: 'u', type: 'sse' },
      c: { url: 'u' },
    }
    const value = { tools: [{ name: 'a', tool_call_template: { call_template_type: 'mcp', config: { mcpServers } } }] }
    expect(writeManual(readManual(value).manual).manual.tools[0]?.tool_call_template.config).toEqual({
      mcpServers: {
        a: { transport: 'stdio', command: 'python', args: ['-m', 'x', 'y'] },
        b: { transport: 'sse', url: 'u' },
        c: { transport: 'http', url: 'u' },
      },
    })
  })
})

describe('createManual', () => {
  it('describes toolkits at their routes, for strict readers', () => {
    const toolkit = new Toolkit({ appName: 'weather' })
    toolkit.registerTool(
      {
        name: 'today',
        description: 'Weather of today',
        params: { type: 'object', properties: { city: { type: 'string' }, any: true } },
      },
      () => 'sunny',
    )
    const result = createManual(toolkit, { baseUrl: 'https://x.example', manualVersion: '3.0.0' })
    expect(result).toMatchObject({
      manual_version: '3.0.0',
      tools: [
        {
          name: 'weather.today',
          tool_call_template: { url: 'https://x.example/atp/weather/today/', auth: { var_name: 'Authorization' } },
        },
      ],
    })
    load(result)
    const registry = createRegistry()
    registry.registerClient('weather', toolkit)
    expect(
      createManual(registry, { baseUrl: 'https://x.example', closed: false }).tools[0]?.tool_call_template,
    ).not.toHaveProperty('auth')
    expect(() => createManual(toolkit)).toThrow('baseUrl')
    expect(() => createManual({} as never, { baseUrl: 'x' })).toThrow('Mount a Toolkit')
  })

  it('takes tools written by hand, and things that know their tool', () => {
    const byHand: ToolInput = { name: 'a', tags: ['x'], tool_call_template: http }
    const source = {
      toUtcpTool: ({ baseUrl = '' }) => ({ name: 'b', tool_call_template: { ...http, url: `${baseUrl}/b` } }),
    }
    const result = createManual([byHand, source], { baseUrl: 'https://y.example' })
    expect(result.tools.map(({ name, tool_call_template }) => [name, tool_call_template.url])).toEqual([
      ['a', 'https://x.example/a'],
      ['b', 'https://y.example/b'],
    ])
    load(result)
    expect(createManual([]).tools).toEqual([])
  })

  it('refuses a tool of its author that is wrong', () => {
    expect(() => createManual([{ name: 'a', tool_call_template: { call_template_type: 'http' } }])).toThrow(
      'tools[0].tool_call_template.url: is missing',
    )
    const tool = { name: 'a', tool_call_template: http }
    expect(() => createManual([tool, tool])).toThrow('tools[1].name')
  })
})

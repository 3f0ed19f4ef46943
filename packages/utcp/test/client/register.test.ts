// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of UTCP are written like this
import { describe, expect, it, vi } from 'vitest'
import {
  InMemToolRepository,
  UtcpClient,
  UtcpProtocolCloseError,
  UtcpUnknownCallTemplateTypeError,
  UtcpValidationError,
  UtcpVariableNotFound,
} from '../../src/index.ts'
import { FakeProtocol, manualOf, toolOf } from '../support/fake-protocol.ts'
import { gate } from '../support/gate.ts'

const template = { name: 'm', call_template_type: 'fake' }

async function clientWith(protocol: FakeProtocol, ...others: FakeProtocol[]): Promise<UtcpClient> {
  return UtcpClient.create({}, { protocols: [protocol, ...others], environment: {} })
}

const toolNames = async (client: UtcpClient): Promise<string[]> =>
  (await client.repository.getTools()).map(({ name }) => name)

describe('registerManual', () => {
  it('makes an identifier of the name and prefixes tools with it, once', async () => {
    const client = await clientWith(new FakeProtocol(manualOf([toolOf('a'), toolOf('my_api_1.b'), toolOf('x.y')])))
    const result = await client.registerManual({ ...template, name: 'my-api 1' })
    expect(result).toMatchObject({ success: true, manualCallTemplate: { name: 'my_api_1' } })
    expect(result.manual.tools.map(({ name }) => name)).toEqual(['my_api_1.a', 'my_api_1.b', 'my_api_1.x.y'])
    expect(await toolNames(client)).toEqual(['my_api_1.a', 'my_api_1.b', 'my_api_1.x.y'])
  })

  it('names a manual without a name', async () => {
    const client = await clientWith(new FakeProtocol(manualOf([])))
    const { manualCallTemplate } = await client.registerManual({ call_template_type: 'fake' })
    expect(manualCallTemplate.name).toMatch(/^[0-9a-f]{32}$/)
  })

  it('refuses a name that is taken, also when two names become the same', async () => {
    const client = await clientWith(new FakeProtocol(manualOf([])))
    await client.registerManual({ ...template, name: 'a-b' })
    await expect(client.registerManual({ ...template, name: 'a-b' })).rejects.toMatchObject({ code: 'manual_exists' })
    await expect(client.registerManual({ ...template, name: 'a.b' })).rejects.toThrow('"a.b" becomes "a_b"')
  })

  it('lets exactly one of many registrations of one name at the same time succeed', async () => {
    const protocol = new FakeProtocol(manualOf([toolOf('a')]))
    const client = await clientWith(protocol)
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => client.registerManual(template)))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(protocol.discoveries).toHaveLength(1)
  })

  it('lets the next one try when the first registration of a name fails', async () => {
    let asked = 0
    const protocol = new FakeProtocol(() => {
      asked += 1
      if (asked === 1) throw new Error('not yet')
      return manualOf([toolOf('a')])
    })
    const client = await clientWith(protocol)
    const [first, second] = await Promise.all([client.registerManual(template), client.registerManual(template)])
    expect([first.success, second.success]).toEqual([false, true])
  })

  it('says why a discovery failed, and keeps nothing', async () => {
    const client = await clientWith(new FakeProtocol(() => Promise.reject(new Error('no route to host'))))
    const result = await client.registerManual(template)
    expect(result).toMatchObject({ success: false, manual: { tools: [], manual_version: '0.0.0' } })
    expect(result.errors).toEqual([expect.stringContaining('no route to host')])
    expect(await client.repository.getManuals()).toEqual([])
  })

  it.each([
    ['no object', 'x', 'a manual must be an object'],
    ['no tools', {}, 'tools: is missing'],
    ['an error of a server', { error: 'not found' }, 'tools: is missing'],
    ['tools that are no list', { tools: {} }, 'tools: must be a list'],
  ])('fails for an answer that is no manual: %s', async (_, answer, problem) => {
    const client = await clientWith(new FakeProtocol(answer))
    const result = await client.registerManual(template)
    expect(result.success).toBe(false)
    expect(result.errors[0]).toContain(problem)
  })

  it('throws for a template that is wrong, naming the member', async () => {
    const client = await clientWith(new FakeProtocol())
    const wrong = client.registerManual({ name: 'm' } as never)
    await expect(wrong).rejects.toMatchObject({ code: 'invalid_call_template', path: 'call_template_type' })
    const badAuth = client.registerManual({ ...template, auth: { auth_type: 'api_key', api_key: '' } })
    await expect(badAuth).rejects.toMatchObject({ path: 'auth.api_key' })
  })

  it('throws for a type that no protocol serves', async () => {
    const client = await clientWith(new FakeProtocol())
    const error = await client.registerManual({ name: 'm', call_template_type: 'grpc' }).catch((caught) => caught)
    expect(error).toBeInstanceOf(UtcpUnknownCallTemplateTypeError)
    expect(error).toMatchObject({ code: 'unknown_call_template_type', callTemplateType: 'grpc' })
    expect(error.message).toContain('"fake"')
  })

  it('leaves tools out whose protocol the manual does not allow or the client does not have, and registers the rest', async () => {
    const of = (type: string) => ({ tool_call_template: { call_template_type: type } })
    const manual = manualOf([toolOf('own'), toolOf('other', of('other')), toolOf('none', of('grpc'))])
    const warn = vi.fn()
    const logger = { debug() {}, info() {}, warn, error() {} }
    const protocols = [new FakeProtocol(manual), new FakeProtocol(manual, ['other'])]
    const client = await UtcpClient.create({}, { protocols, logger })
    const strict = await client.registerManual(template)
    expect(strict.manual.tools.map(({ name }) => name)).toEqual(['m.own'])
    expect(strict.warnings).toEqual([
      expect.objectContaining({ tool: 'none', callTemplateType: 'grpc' }),
      expect.objectContaining({ tool: 'm.other', callTemplateType: 'other' }),
    ])
    expect(warn).toHaveBeenCalledWith('utcp.manual_warnings', expect.objectContaining({ manual: 'm', count: 2 }))
    const both = await client.registerManual({
      ...{ name: 'open', call_template_type: 'fake' },
      allowed_communication_protocols: ['fake', 'other', 'grpc'],
    })
    expect(both.manual.tools.map(({ name }) => name)).toEqual(['open.own', 'open.other'])
  })

  it('leaves out tools of a name that an earlier one has', async () => {
    const client = await clientWith(new FakeProtocol(manualOf([toolOf('a'), toolOf('m.a', { tags: ['second'] })])))
    const { manual, warnings } = await client.registerManual(template)
    expect(manual.tools).toHaveLength(1)
    expect(manual.tools[0]?.tags).toEqual(['fake'])
    expect(warnings).toEqual([expect.objectContaining({ path: 'tools[1].name' })])
  })

  it('fills variables in for the protocol, and keeps them as names', async () => {
    const protocol = new FakeProtocol(manualOf([toolOf('a')]))
    const variables = { my__api_KEY: 'secret', my__api_URL: 'https://x' }
    const client = await UtcpClient.create({ variables }, { protocols: [protocol], environment: {} })
    const authTools = { auth_type: 'api_key', api_key: '$KEY' }
    const given = { ...template, name: 'my_api', url: '${URL}', headers: { k: '$KEY' }, auth_tools: authTools }
    await client.registerManual(given)
    const [seen] = protocol.discoveries
    expect(seen?.template).toMatchObject({ url: 'https://x', headers: { k: 'secret' }, auth_tools: authTools })
    expect(seen?.context.declaredTemplate).toMatchObject({ url: '${URL}', headers: { k: '$KEY' } })
    expect(JSON.stringify(await client.repository.getManualCallTemplates())).not.toContain('secret')
  })

  it('does not need the variables of auth_tools, which are for calls', async () => {
    const protocol = new FakeProtocol(manualOf([toolOf('a')]))
    const client = await clientWith(protocol)
    const authTools = { auth_type: 'api_key', api_key: '$LATER' }
    const result = await client.registerManual({ ...template, auth_tools: authTools })
    expect(result.success).toBe(true)
    expect(protocol.discoveries[0]?.template.auth_tools).toEqual(authTools)
  })

  it('throws for a variable that nothing has, with its full name', async () => {
    const client = await clientWith(new FakeProtocol())
    const error = await client.registerManual({ ...template, url: '$A/${B}/$A' }).catch((caught) => caught)
    expect(error).toBeInstanceOf(UtcpVariableNotFound)
    expect(error).toMatchObject({ variableName: 'm_A', variableNames: ['m_A', 'm_B'] })
  })

  it('gives up a discovery after its time, or when the caller gives up', async () => {
    const protocol = new FakeProtocol(() => new Promise(() => {}))
    const client = await UtcpClient.create({}, { protocols: [protocol], discoveryTimeoutMs: 20 })
    const slow = await client.registerManual(template)
    expect(slow.errors[0]).toContain('longer than 20 ms')
    const abort = new AbortController()
    const patient = await UtcpClient.create({}, { protocols: [protocol] })
    const cancelled = patient.registerManual(template, { signal: abort.signal })
    abort.abort()
    expect((await cancelled).errors[0]).toContain('cancelled by its caller')
  })
})

describe('registerManuals', () => {
  it('registers at the same time, in the order of the list, and makes results of what is thrown', async () => {
    const everyoneCame = gate()
    let waiting = 0
    const protocol = new FakeProtocol(async () => {
      waiting += 1
      if (waiting === 3) everyoneCame.open()
      await everyoneCame.passed
      return manualOf([toolOf('a')])
    })
    const client = await clientWith(protocol)
    const results = await client.registerManuals([
      { ...template, name: 'one' },
      { ...template, name: 'two' },
      { name: 'bad', call_template_type: 'grpc' },
      { name: 'worse' } as never,
      { ...template, name: 'one' },
      { ...template, name: 'three' },
    ])
    expect(results.map(({ success }) => success)).toEqual([true, true, false, false, false, true])
    expect(results[2]?.errors[0]).toContain('grpc')
    expect(results[3]?.errors[0]).toContain('manual_call_templates[3].call_template_type: is missing')
    expect(results[4]?.errors[0]).toContain('registered already')
  })

  it('waits for all before it throws for missing variables, and names those of every manual', async () => {
    const protocol = new FakeProtocol(manualOf([toolOf('a')]))
    const client = await clientWith(protocol)
    const error = await client
      .registerManuals([
        { ...template, name: 'x', key: '$ONE' },
        { ...template, name: 'fine' },
        { ...template, name: 'y', key: '$TWO' },
      ])
      .catch((caught) => caught)
    expect(error).toMatchObject({
      code: 'variable_not_found',
      variableName: 'x_ONE',
      variableNames: ['x_ONE', 'y_TWO'],
    })
    expect(await toolNames(client)).toEqual(['fine.a'])
  })
})

describe('deregisterManual', () => {
  it('lets the protocol go first, then removes the tools', async () => {
    const protocol = new FakeProtocol(manualOf([toolOf('a')]))
    const client = await clientWith(protocol)
    await client.registerManual(template)
    let toolsMeanwhile: string[] = []
    protocol.onDeregister = async () => {
      toolsMeanwhile = await toolNames(client)
    }
    expect(await client.deregisterManual('m')).toBe(true)
    expect(toolsMeanwhile).toEqual(['m.a'])
    expect(await toolNames(client)).toEqual([])
    expect(await client.searchTools('a')).toEqual([])
    expect(await client.deregisterManual('m')).toBe(false)
    expect(protocol.deregistered).toEqual(['m'])
    expect((await client.registerManual(template)).success).toBe(true)
  })

  it('removes a manual even if its protocol cannot let go, and says so', async () => {
    const protocol = new FakeProtocol(manualOf([toolOf('a')]))
    const client = await clientWith(protocol)
    await client.registerManual(template)
    protocol.onDeregister = () => Promise.reject(new Error('stuck'))
    await expect(client.deregisterManual('m')).rejects.toBeInstanceOf(UtcpProtocolCloseError)
    expect(await toolNames(client)).toEqual([])
  })
})

describe('create', () => {
  it('shows discoveries that failed without failing itself', async () => {
    const protocol = new FakeProtocol(({ name }: { name: string }) => {
      if (name === 'down') throw new Error('down')
      return manualOf([toolOf('a')])
    })
    const config = { manual_call_templates: [template, { ...template, name: 'down' }] }
    const client = await UtcpClient.create(config, { protocols: [protocol] })
    expect(client.initialRegistrations.map(({ success }) => success)).toEqual([true, false])
  })

  it('closes what it made when a variable is missing', async () => {
    const protocol = new FakeProtocol()
    const repository = Object.assign(new InMemToolRepository(), { close: vi.fn() })
    const config = {
      tool_repository: { tool_repository_type: 'mine' },
      manual_call_templates: [{ ...template, key: '$MISSING' }],
    }
    const options = {
      protocols: [() => protocol],
      toolRepositories: [{ type: 'mine', create: () => repository }],
      environment: {},
    }
    await expect(UtcpClient.create(config, options)).rejects.toBeInstanceOf(UtcpVariableNotFound)
    expect(protocol.closed).toBe(1)
    expect(repository.close).toHaveBeenCalledOnce()
  })

  it('closes the protocols it made when another cannot be made', async () => {
    const protocol = new FakeProtocol()
    const broken = () => {
      throw new Error('no such device')
    }
    const made = UtcpClient.create({}, { protocols: [() => protocol, broken] })
    await expect(made).rejects.toMatchObject({ code: 'invalid_config', path: 'protocols[1]' })
    expect(protocol.closed).toBe(1)
  })

  it('leaves a repository open that it was given, also when it fails', async () => {
    const repository = Object.assign(new InMemToolRepository(), { close: vi.fn() })
    const failing = { tool_repository: repository, manual_call_templates: [{ ...template, key: '$MISSING' }] }
    const options = { protocols: [new FakeProtocol()], environment: {} }
    await expect(UtcpClient.create(failing, options)).rejects.toThrow('m_MISSING')
    await (await UtcpClient.create({ tool_repository: repository }, options)).close()
    expect(repository.close).not.toHaveBeenCalled()
  })

  it('takes a plugin of the same type in place of ours', async () => {
    const protocol = new FakeProtocol(manualOf([toolOf('a')]))
    const own = { type: 'filter_dict', create: () => ({ postProcess: () => 'mine' }) }
    const config = {
      post_processing: [{ tool_post_processor_type: 'filter_dict' }],
      manual_call_templates: [template],
    }
    const client = await UtcpClient.create(config, { protocols: [protocol], toolPostProcessors: [own] })
    expect(await client.callTool('m.a')).toBe('mine')
  })

  it('refuses a manual of an unknown type before anything is asked', async () => {
    const protocol = new FakeProtocol()
    const config = { manual_call_templates: [template, { call_template_type: 'grpc' }] }
    const made = UtcpClient.create(config, { protocols: [protocol] })
    await expect(made).rejects.toMatchObject({ path: 'manual_call_templates[1].call_template_type' })
    expect(protocol.discoveries).toEqual([])
  })

  it('refuses two protocols for one type, and numbers that make no sense', async () => {
    const two = UtcpClient.create({}, { protocols: [new FakeProtocol(), new FakeProtocol()] })
    await expect(two).rejects.toMatchObject({ code: 'invalid_config' })
    await expect(UtcpClient.create({}, { timeoutMs: -1 })).rejects.toMatchObject({ path: 'timeoutMs' })
    await expect(UtcpClient.create({}, { maxConcurrency: Number.NaN })).rejects.toMatchObject({
      path: 'maxConcurrency',
    })
  })

  it('takes a text of a configuration, and says that a path is none', async () => {
    const protocol = new FakeProtocol(manualOf([toolOf('a')]))
    const text = '{ // mine\n "manual_call_templates": [{"name": "m", "call_template_type": "fake"},], }'
    const client = await UtcpClient.create(text, { protocols: [protocol] })
    expect(await toolNames(client)).toEqual(['m.a'])
    const path = await UtcpClient.create('./config.json').catch((caught) => caught)
    expect(path).toBeInstanceOf(UtcpValidationError)
    expect(path.message).toContain('createUtcpClient')
  })
})

describe('close', () => {
  it('closes protocols it made, leaves shared ones open, waits for all and tells all failures', async () => {
    const slow = gate()
    const own = new FakeProtocol(manualOf([]), ['own'])
    own.onClose = () => Promise.reject(new Error('first'))
    const other = new FakeProtocol(manualOf([]), ['other'])
    other.onClose = async () => {
      await slow.passed
      throw new Error('second')
    }
    const shared = new FakeProtocol(manualOf([]), ['shared'])
    const client = await UtcpClient.create({}, { protocols: [() => own, () => other, shared] })
    let closed = false
    const closing = client.close().catch((error) => {
      closed = true
      return error
    })
    await vi.waitFor(() => expect(other.closed).toBe(1))
    expect(closed).toBe(false)
    slow.open()
    const error = await closing
    expect(error).toBeInstanceOf(UtcpProtocolCloseError)
    expect(error.failures.map(({ error: each }: { error: Error }) => each.message)).toEqual(['first', 'second'])
    expect(shared.closed).toBe(0)
    expect(own.closed).toBe(1)
  })

  it('ends calls, streams and registrations that run, and refuses new ones', async () => {
    const protocol = new FakeProtocol(manualOf([toolOf('a')]))
    protocol.answer = () => new Promise(() => {})
    protocol.stream = async function* () {
      yield 1
      await new Promise(() => {})
    }
    const client = await clientWith(protocol)
    await client.registerManual(template)
    const call = client.callTool('m.a')
    const stream = client.callToolStreaming('m.a')
    await stream.next()
    const second = stream.next()
    protocol.discover = () => new Promise(() => {})
    const registration = client.registerManual({ ...template, name: 'late' })
    await vi.waitFor(() => expect(protocol.discoveries).toHaveLength(2))
    const failures = Promise.all([
      expect(call).rejects.toMatchObject({ code: 'client_closed' }),
      expect(second).rejects.toMatchObject({ code: 'client_closed' }),
      expect(registration).resolves.toMatchObject({ success: false }),
    ])
    await client.close()
    await failures
    await client.close()
    await expect(client.callTool('m.a')).rejects.toMatchObject({ code: 'client_closed' })
    await expect(client.registerManual(template)).rejects.toMatchObject({ code: 'client_closed' })
    await expect(client.searchTools('a')).rejects.toMatchObject({ code: 'client_closed' })
    await expect(client.deregisterManual('m')).rejects.toMatchObject({ code: 'client_closed' })
  })

  it('waits for what is being saved before it closes the repository', async () => {
    const saved = gate()
    const order: string[] = []
    const repository = new InMemToolRepository()
    const save = repository.saveManual.bind(repository)
    repository.saveManual = async (...args) => {
      order.push('save begins')
      await saved.passed
      await save(...args)
      order.push('save ends')
    }
    const closable = Object.assign(repository, { close: async () => void order.push('close') })
    const client = await UtcpClient.create(
      { tool_repository: { tool_repository_type: 'mine' } },
      { protocols: [new FakeProtocol()], toolRepositories: [{ type: 'mine', create: () => closable }] },
    )
    const registration = client.registerManual(template)
    await vi.waitFor(() => expect(order).toEqual(['save begins']))
    const closed = client.close()
    saved.open()
    await Promise.all([registration, closed])
    expect(order).toEqual(['save begins', 'save ends', 'close'])
  })

  it('does not touch another client with the same protocols', async () => {
    const made: FakeProtocol[] = []
    const factory = () => {
      const protocol = new FakeProtocol(manualOf([toolOf('a')]))
      made.push(protocol)
      return protocol
    }
    const config = { manual_call_templates: [template] }
    const one = await UtcpClient.create(config, { protocols: [factory] })
    const two = await UtcpClient.create(config, { protocols: [factory] })
    await one.close()
    expect(made.map(({ closed }) => closed)).toEqual([1, 0])
    expect(await two.callTool('m.a', { still: 'here' })).toEqual({ still: 'here' })
  })
})

import { describe, expect, it } from 'vitest'
import { UtcpClient } from '../../src/index.ts'
import { FakeProtocol, manualOf, toolOf } from '../support/fake-protocol.ts'

const template = { name: 'm', call_template_type: 'fake' }

describe('a client', () => {
  it('registers the manuals of its configuration and calls their tools by full names', async () => {
    const protocol = new FakeProtocol(manualOf([toolOf('echo'), toolOf('m.second')]))
    await using client = await UtcpClient.create({ manual_call_templates: [template] }, { protocols: [() => protocol] })
    expect(client.initialRegistrations).toMatchObject([{ success: true, errors: [], warnings: [] }])
    expect((await client.repository.getTools()).map(({ name }) => name)).toEqual(['m.echo', 'm.second'])
    expect(await client.callTool('m.echo', { a: 1 })).toEqual({ a: 1 })
    expect(protocol.calls[0]).toMatchObject({ toolName: 'm.echo', args: { a: 1 } })
    const found = await client.searchTools('please echo')
    expect(found[0]?.name).toBe('m.echo')
    const pieces = []
    for await (const piece of client.callToolStreaming('m.echo', { b: 2 })) pieces.push(piece)
    expect(pieces).toEqual([{ b: 2 }])
  })
})

import { Toolkit } from '@atp/core'
import { describe, expect, it, vi } from 'vitest'
import { ManualBridge } from '../../src/bridge/manual-bridge.ts'
import { toolkitFromManual } from '../../src/bridge/toolkit-from-manual.ts'
import { toolOf } from '../support/fake-protocol.ts'
import { clientOf, run } from './bridged-toolkit.ts'

describe('a toolkit of a manual that changes', () => {
  it('follows refreshes, and leaves what did not change alone', async () => {
    const { client, setTools } = await clientOf([toolOf('stays'), toolOf('goes'), toolOf('changes')])
    const toolkit = await toolkitFromManual(client, 'm')
    const stays = toolkit.registeredTools.get('stays')
    const changed = vi.fn()
    toolkit.onChange(changed)
    setTools([toolOf('stays'), toolOf('changes', { description: 'New' }), toolOf('comes')])
    await client.refreshManual('m')
    await vi.waitFor(() => expect([...toolkit.registeredTools.keys()].sort()).toEqual(['changes', 'comes', 'stays']))
    expect(toolkit.registeredTools.get('stays')).toBe(stays)
    expect(toolkit.registeredTools.get('changes')?.description).toBe('New')
    expect(changed).toHaveBeenCalled()
  })

  it('gives up tools that a pinned client refuses, and has them back when they are accepted', async () => {
    const { client, setTools } = await clientOf([toolOf('t')], { pins: true })
    const toolkit = new Toolkit({ appName: 'own' })
    const bridge = await ManualBridge.open(client, 'm', toolkit)
    setTools([toolOf('t', { description: 'Sends all your mail' })])
    await client.refreshManual('m')
    await vi.waitFor(() => expect(toolkit.registeredTools.size).toBe(0))
    await client.acceptTool('m.t')
    await vi.waitFor(() => expect(toolkit.registeredTools.get('t')?.description).toBe('Sends all your mail'))
    expect(bridge.leftOut).toEqual([])
  })

  it('is empty while the manual is not registered, and has the tools again when it is', async () => {
    const { client } = await clientOf([toolOf('t')])
    const toolkit = await toolkitFromManual(client, 'm')
    await client.deregisterManual('m')
    await vi.waitFor(() => expect(toolkit.registeredTools.size).toBe(0))
    await client.registerManual({ name: 'm', call_template_type: 'fake' })
    await vi.waitFor(() => expect([...toolkit.registeredTools.keys()]).toEqual(['t']))
  })

  it('notices at a call that the manual is gone', async () => {
    const { client } = await clientOf([toolOf('t')])
    const toolkit = await toolkitFromManual(client, 'm')
    await client.repository.removeManual('m')
    expect(await run(toolkit, 't')).toMatchObject({ error: { details: { utcp_code: 'tool_not_found' } } })
    await vi.waitFor(() => expect(toolkit.registeredTools.size).toBe(0))
  })

  it('follows no more once its bridge is stopped', async () => {
    const { client, setTools } = await clientOf([toolOf('t')])
    const toolkit = new Toolkit({ appName: 'own' })
    const bridge = await ManualBridge.open(client, 'm', toolkit)
    bridge.stop()
    bridge.stop()
    setTools([toolOf('other')])
    await client.refreshManual('m')
    await bridge.sync()
    expect([...toolkit.registeredTools.keys()]).toEqual(['other'])
    setTools([toolOf('third')])
    const followed = vi.spyOn(client.repository, 'getToolsByManual')
    await client.refreshManual('m')
    expect(followed).not.toHaveBeenCalled()
  })

  it('never touches tools that are not its own', async () => {
    const { client, setTools } = await clientOf([toolOf('t'), toolOf('mine')])
    const toolkit = new Toolkit({ appName: 'own' })
    const mine = toolkit.registerTool({ name: 'mine', description: 'Mine' }, () => 'mine')
    const bridge = await ManualBridge.open(client, 'm', toolkit)
    expect(bridge.leftOut).toEqual([{ tool: 'm.mine', reason: expect.stringContaining('already') }])
    toolkit.removeTool('t')
    const replaced = toolkit.registerTool({ name: 't', description: 'Also mine' }, () => 't')
    setTools([])
    await client.refreshManual('m')
    await bridge.sync()
    expect([...toolkit.registeredTools.values()]).toEqual([mine, replaced])
  })
})

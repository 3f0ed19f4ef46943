// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of UTCP are written like this
import { UtcpClient } from '@atp/utcp'
import { expect, it } from 'vitest'
import { http } from '../src/index.ts'
import { json, startSite } from './support/site.ts'

it('tells arguments in a path from variables, and makes no argument of a variable without a value', async () => {
  const paths: Record<string, string> = {
    argument: '/of/{id}',
    escaped: '/of/$${id}',
    variable: '/of/${TENANT}/{id}',
    forgotten: '/of/${id}',
  }
  await using site = await startSite(({ path }, response) => {
    if (path !== '/utcp') return json(response, path)
    const tools = Object.entries(paths).map(([name, each]) => ({
      name,
      tool_call_template: { call_template_type: 'http', url: `${site.origin}${each}` },
    }))
    return json(response, { utcp_version: '1.0.1', manual_version: '1.0.0', tools })
  })
  const manual = { name: 'm', call_template_type: 'http', url: `${site.origin}/utcp` }
  await using client = await UtcpClient.create(
    { variables: { m_TENANT: 'acme' }, manual_call_templates: [manual] },
    { protocols: [http()], environment: {} },
  )
  const call = (name: string): Promise<unknown> => client.callTool(`m.${name}`, { id: 'a b', TENANT: 'other' })
  expect(await call('argument')).toBe('/of/a%20b')
  expect(await call('escaped')).toBe('/of/a%20b')
  expect(await call('variable')).toBe('/of/acme/a%20b')
  await expect(call('forgotten')).rejects.toMatchObject({ code: 'variable_not_found', variableName: 'm_id' })
  expect(site.seen.filter(({ path }) => path !== '/utcp')).toHaveLength(3)
})

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of UTCP are written like this
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DefaultVariableSubstitutor, type VariableSources } from '../../src/index.ts'
import { describeVariableSubstitutor } from '../contracts/index.ts'

describeVariableSubstitutor('of UTCP', () => new DefaultVariableSubstitutor())

const substitutor = new DefaultVariableSubstitutor()
const sources = (variables: Record<string, string>): VariableSources => ({ variables, loaders: [], environment: {} })

describe('a text', () => {
  it.each([
    ['$$NAME', '$NAME'],
    ['$$$NAME', '$value'],
    ['costs $$5', 'costs $5'],
    ['a $ b', 'a $ b'],
    ['${NAME', '${NAME'],
    ['${}', '${}'],
    ['${NAME}_x', 'value_x'],
    ['$1A', 'digit'],
    ['{"$ref": "#/$defs/x", "k": "$NAME"}', '{"$ref": "#/$defs/x", "k": "$NAME"}'],
    ['$refresh', 'token'],
    ['$ref', '$ref'],
  ])('%j becomes %j', async (text, expected) => {
    const variables = { NAME: 'value', '1A': 'digit', refresh: 'token' }
    expect(await substitutor.substitute(text, sources(variables))).toBe(expected)
  })

  it('without a dollar stays as it is, and one with variables has all of them filled in', async () => {
    const name = fc.stringMatching(/^[A-Za-z0-9_]{1,8}$/).filter((each) => each !== 'ref')
    const plain = fc.string().map((each) => each.replaceAll('$', ''))
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(plain, name, fc.string())), async (parts) => {
        const variables = Object.fromEntries(parts.map(([, each, value]) => [each, value]))
        const text = parts.map(([before, each]) => `${before}\${${each}}`).join('')
        const expected = parts.map(([before, each]) => before + variables[each]).join('')
        expect(await substitutor.substitute(text, sources(variables))).toBe(expected)
      }),
    )
  })
})

describe('dollars that belong to others', () => {
  it('stay in commands of cli, but for ${NAME} that has a value', async () => {
    const template = {
      call_template_type: 'cli',
      commands: [{ command: 'cd ${DIR} && echo $CMD_0_OUTPUT ${HOME} $$ $DIR "cost $5"' }],
      env_vars: { TOKEN: '$TOKEN', PID: '$$' },
      working_dir: '${DIR}',
    }
    expect(substitutor.findRequiredVariables(template, 'm')).toEqual(['m_DIR', 'm_TOKEN'])
    const filled = await substitutor.substitute(template, sources({ m_DIR: '/srv', m_TOKEN: 't' }), 'm')
    expect(filled).toEqual({
      call_template_type: 'cli',
      commands: [{ command: 'cd /srv && echo $CMD_0_OUTPUT ${HOME} $$ $DIR "cost $5"' }],
      env_vars: { TOKEN: 't', PID: '$' },
      working_dir: '/srv',
    })
  })

  it('stay in the query of graphql and the content of text', async () => {
    const graphql = { call_template_type: 'graphql', url: '$URL', query: 'query ($id: ID!) { a(id: $id) { b } }' }
    expect(await substitutor.substitute(graphql, sources({ URL: 'u' }))).toEqual({ ...graphql, url: 'u' })
    const text = { call_template_type: 'text', content: '{"$schema": "x", "$defs": {}, "d": "costs $5"}' }
    expect(await substitutor.substitute(text, sources({}))).toEqual(text)
    expect(substitutor.findRequiredVariables([graphql, text])).toEqual(['URL'])
  })

  it('are ordinary in members of the same name elsewhere', async () => {
    const template = { call_template_type: 'http', query: '$A', content: '$A', commands: [{ command: '$A' }] }
    const filled = await substitutor.substitute(template, sources({ A: '1' }))
    expect(filled).toEqual({ ...template, query: '1', content: '1', commands: [{ command: '1' }] })
  })

  it('fill in an empty value of a command', async () => {
    const template = { call_template_type: 'cli', commands: [{ command: 'x ${FLAG}' }] }
    expect(await substitutor.substitute(template, sources({ FLAG: '' }))).toMatchObject({
      commands: [{ command: 'x ' }],
    })
  })
})

describe('an environment', () => {
  it('that throws for a variable does not have it', async () => {
    const guarded = new Proxy<Record<string, string>>(
      { B: 'b' },
      {
        getOwnPropertyDescriptor(target, name) {
          if (name === 'A') throw new Error('NotCapable: requires env access')
          return Reflect.getOwnPropertyDescriptor(target, name)
        },
      },
    )
    const from = { variables: {}, loaders: [], environment: guarded }
    await expect(substitutor.substitute('$A', from)).rejects.toMatchObject({ code: 'variable_not_found' })
    expect(await substitutor.substitute('$B', from)).toBe('b')
  })
})

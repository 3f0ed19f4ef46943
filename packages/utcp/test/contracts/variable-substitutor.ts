// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of UTCP are written like this
import { describe, expect, it } from 'vitest'
import { UtcpVariableNotFound, type VariableSources, type VariableSubstitutor } from '../../src/index.ts'

function sources(more: Partial<VariableSources> = {}): VariableSources {
  return { variables: {}, loaders: [], environment: {}, ...more }
}

/** The contract of {@link VariableSubstitutor}: each of its sentences as a test. */
export function describeVariableSubstitutor(name: string, make: () => VariableSubstitutor): void {
  describe(`the variable substitutor ${name}`, () => {
    it('fills in variables of all texts, at every depth, and nothing else', async () => {
      const value = { a: 'x $A y ${A}', list: ['$A', 5, null, true, { deep: '${B}!' }], $A: 'key stays' }
      const before = structuredClone(value)
      const filled = await make().substitute(value, sources({ variables: { A: '1', B: '2' } }))
      expect(filled).toEqual({ a: 'x 1 y 1', list: ['1', 5, null, true, { deep: '2!' }], $A: 'key stays' })
      expect(value).toEqual(before)
    })

    it('asks variables first, then loaders in order, then the environment', async () => {
      const loaders = [
        { get: (key: string) => ({ B: 'b1', C: '' })[key] },
        { get: async (key: string) => ({ A: 'a2', B: 'b2', C: 'c2' })[key] ?? null },
      ]
      const environment = { A: 'a3', B: 'b3', C: 'c3', D: 'd3' }
      const filled = await make().substitute('$A $B $C $D', sources({ variables: { A: 'a0' }, loaders, environment }))
      expect(filled).toBe('a0 b1 c2 d3')
    })

    it('takes an empty text for a value in variables, and for none elsewhere', async () => {
      const substitutor = make()
      expect(await substitutor.substitute('[$A]', sources({ variables: { A: '' } }))).toBe('[]')
      const empty = sources({ loaders: [{ get: () => '' }], environment: { A: '' } })
      await expect(substitutor.substitute('$A', empty)).rejects.toBeInstanceOf(UtcpVariableNotFound)
    })

    it('puts the namespace in front, with underscores doubled, and does not fall back to the bare name', async () => {
      const substitutor = make()
      const variables = { manual__1_API_KEY: 'right', API_KEY: 'wrong' }
      expect(await substitutor.substitute('$API_KEY', sources({ variables }), 'manual_1')).toBe('right')
      const bare = substitutor.substitute('$API_KEY', sources({ variables: { API_KEY: 'x' } }), 'manual_1')
      await expect(bare).rejects.toMatchObject({ variableName: 'manual__1_API_KEY' })
      const allowed = sources({ variables: { API_KEY: 'x' }, bareNames: true })
      expect(await substitutor.substitute('$API_KEY', allowed, 'manual_1')).toBe('x')
    })

    it('refuses a namespace of other than word characters', async () => {
      const wrong = make().substitute('$A', sources(), 'a-b')
      await expect(wrong).rejects.toMatchObject({ code: 'invalid_config' })
    })

    it('names all that is missing', async () => {
      const error = await make()
        .substitute({ a: '$ONE', b: ['${TWO}', '$THREE'] }, sources({ variables: { m_TWO: '2' } }), 'm')
        .catch((caught) => caught)
      expect(error).toMatchObject({
        code: 'variable_not_found',
        variableName: 'm_ONE',
        variableNames: ['m_ONE', 'm_THREE'],
      })
    })

    it('does not look for variables in what it filled in', async () => {
      const variables = { A: '$B', B: 'secret' }
      expect(await make().substitute('$A', sources({ variables }))).toBe('$B')
    })

    it('does not take members that every object has for values', async () => {
      const substitutor = make()
      for (const name of ['constructor', 'toString', '__proto__']) {
        await expect(substitutor.substitute(`\${${name}}`, sources())).rejects.toBeInstanceOf(UtcpVariableNotFound)
      }
    })

    it('finds the names of variables, each once, with the namespace', () => {
      const value = { a: '$B ${A}', b: ['$A', { c: 'costs 5 $' }] }
      expect(make().findRequiredVariables(value, 'm_1')).toEqual(['m__1_B', 'm__1_A'])
      expect(make().findRequiredVariables(value)).toEqual(['B', 'A'])
      expect(make().findRequiredVariables('nothing')).toEqual([])
    })
  })
}

import { describe, expect, it } from 'vitest'
import { CallDeltas, type ChatCall, type ChatCallDelta, repeatableCalls } from '../../src/chat/call-deltas.ts'

function collect(...deltas: ChatCallDelta[]): ChatCall[] {
  const all = new CallDeltas()
  for (const delta of deltas) all.add(delta)
  return all.all()
}

const call = (id: string, name: string, text: string): ChatCall => ({
  id,
  type: 'function',
  function: { name, arguments: text },
})

describe('the pieces of streamed tool calls', () => {
  it('are put together by their index, also when they come in turns', () => {
    const calls = collect(
      { index: 0, id: 'a', function: { name: 'add', arguments: '' } },
      { index: 1, id: 'b', function: { name: 'greet', arguments: '{"na' } },
      { index: 0, function: { arguments: '{"a":1' } },
      { index: 1, function: { arguments: 'me":"Zoë"}' } },
      { index: 0, function: { arguments: '}' } },
    )
    expect(calls).toEqual([call('a', 'add', '{"a":1}'), call('b', 'greet', '{"name":"Zoë"}')])
  })

  it('are whole calls where every id is another, though the index is the same or missing', () => {
    for (const index of [0, undefined]) {
      const calls = collect(
        { index, id: 'a', function: { name: 'add', arguments: '{}' } },
        { index, id: 'b', function: { name: 'add', arguments: '{}' } },
      )
      expect(calls).toEqual([call('a', 'add', '{}'), call('b', 'add', '{}')])
    }
  })

  it('belong to the call that repeats its id in every piece', () => {
    const calls = collect(
      { index: 0, id: 'a', function: { name: 'add', arguments: '{"a"' } },
      { index: 0, id: 'a', function: { name: 'add', arguments: ':1}' } },
    )
    expect(calls).toEqual([call('a', 'add', '{"a":1}')])
  })

  it('without any id are told apart by the name, and get ids that every provider takes', () => {
    const calls = collect(
      { id: 'null', function: { name: 'add', arguments: '{}' } },
      { id: null, function: { name: 'greet', arguments: '{' } },
      { function: { arguments: '}' } },
    )
    expect(calls.map((each) => each.function)).toEqual([
      { name: 'add', arguments: '{}' },
      { name: 'greet', arguments: '{}' },
    ])
    expect(new Set(calls.map(({ id }) => id)).size).toBe(2)
    for (const { id } of calls) expect(id).toMatch(/^[a-z0-9]{9}$/)
  })

  it('keep the same made up id however often they are asked for', () => {
    const all = new CallDeltas()
    all.add({ function: { name: 'add', arguments: '{}' } })
    expect(all.all()).toEqual(all.all())
  })

  it('may hold arguments as an object', () => {
    expect(collect({ id: 'a', function: { name: 'add', arguments: { a: 1 } } })).toEqual([call('a', 'add', '{"a":1}')])
  })
})

describe('calls that go back to the provider', () => {
  it('keep arguments that are JSON, and lose those that are none', () => {
    expect(repeatableCalls([call('a', 'add', '{"a":1}'), call('b', 'add', '{"a":'), call('c', 'add', '')])).toEqual([
      call('a', 'add', '{"a":1}'),
      call('b', 'add', '{}'),
      call('c', 'add', '{}'),
    ])
  })
})

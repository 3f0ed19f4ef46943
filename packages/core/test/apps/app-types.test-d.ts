import { describe, expectTypeOf, it } from 'vitest'
import * as z from 'zod'
import {
  type AppSession,
  LLMClient,
  type Tool,
  type ToolContext,
  ToolKitClient,
  type UiContent,
} from '../../src/index.ts'

const toolkit = new ToolKitClient({ apiKey: 'k', appName: 'types' })
const description = ''

describe('the handlers of an app', () => {
  it('get the arguments that its parameters say, and the state that its start returns', () => {
    const app = toolkit.registerApp(
      { name: 'counter', description, params: z.object({ from: z.number() }) },
      {
        start(args, context) {
          expectTypeOf(args).toEqualTypeOf<{ from: number }>()
          expectTypeOf(context).toEqualTypeOf<ToolContext>()
          return { ui: args.from, state: { count: args.from } }
        },
        act(data, session) {
          expectTypeOf(data).toBeUnknown()
          expectTypeOf(session.id).toEqualTypeOf<string>()
          expectTypeOf(session.state).toEqualTypeOf<{ count: number }>()
          return { ui: null, ended: true }
        },
        close(session) {
          expectTypeOf(session.state.count).toEqualTypeOf<number>()
        },
      },
    )
    expectTypeOf(app).toEqualTypeOf<Tool>()
  })

  it('must both show something', () => {
    toolkit.registerApp(
      { name: 'blank', description },
      {
        // @ts-expect-error a step without ui shows nothing
        start: () => ({ state: 1 }),
        act: () => ({ ui: [{ category: 'text', component_type: 'label', props: { text: 'x' } }] }),
      },
    )
  })

  it('cannot have an output schema: a step is what they return', () => {
    const handlers = { start: () => ({ ui: 1 }), act: () => ({ ui: 2 }) }
    // @ts-expect-error output
    toolkit.registerApp({ name: 'out', description, output: z.number() }, handlers)
  })
})

describe('a session of a caller', () => {
  it('is plain data', async () => {
    const llm = new LLMClient({ apiKey: 'k' })
    expectTypeOf(llm.openApp).returns.toEqualTypeOf<Promise<AppSession>>()
    expectTypeOf<AppSession['ui']>().toEqualTypeOf<UiContent>()
    expectTypeOf<AppSession['act']>().returns.toEqualTypeOf<Promise<UiContent>>()
    // @ts-expect-error a step is no call that could be sent twice
    void (() => llm.openApp({ toolkitId: 'demo', app: 'a', idempotencyKey: 'k' }))
  })
})

import { describe, expectTypeOf, it } from 'vitest'
import * as z from 'zod'
import { defineTool, type JsonSchema, type JsonValue, type Tool, type ToolContext, Toolkit } from '../../src/index.ts'
import { type Point, pointSchema } from './point-schema.ts'

const toolkit = new Toolkit({ appName: 'types' })
const description = ''

describe('the arguments of a handler', () => {
  it('are the output of a zod object', () => {
    const params = z.object({
      city: z.string(),
      days: z.int().default(3),
      unit: z.enum(['c', 'f']).optional(),
      tags: z.string().transform((text) => text.split(',')),
    })
    toolkit.registerTool({ name: 'zod', description, params }, (args) => {
      expectTypeOf(args).toEqualTypeOf<{ city: string; days: number; unit?: 'c' | 'f' | undefined; tags: string[] }>()
    })
  })

  it('are the output of any other Standard Schema', () => {
    toolkit.registerTool({ name: 'points', description, params: pointSchema() }, (args) => {
      expectTypeOf(args).toEqualTypeOf<Point>()
    })
  })

  it('are read from a JSON Schema written in place', () => {
    toolkit.registerTool(
      {
        name: 'json',
        description,
        params: {
          type: 'object',
          properties: {
            city: { type: 'string', minLength: 1 },
            days: { type: 'integer' },
            exact: { type: 'boolean' },
            nothing: { type: 'null' },
            unit: { enum: ['c', 'f'] },
            version: { const: 2 },
            rows: { type: 'array', items: { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] } },
            either: { anyOf: [{ type: 'string' }, { type: 'number' }] },
          },
          required: ['city', 'rows', 'unit'],
        },
      },
      (args) => {
        expectTypeOf(args).toEqualTypeOf<{
          city: string
          rows: { n: number }[]
          unit: 'c' | 'f'
          days?: number
          exact?: boolean
          nothing?: null
          version?: 2
          either?: unknown
        }>()
      },
    )
  })

  it('are unknown members where a JSON Schema is only known at run time', () => {
    const params: JsonSchema = { type: 'object' }
    toolkit.registerTool({ name: 'later', description, params }, (args) => {
      expectTypeOf(args).toEqualTypeOf<Record<string, unknown>>()
    })
    toolkit.registerTool({ name: 'open', description, params: { type: 'object' } }, (args) => {
      expectTypeOf(args).toEqualTypeOf<Record<string, unknown>>()
    })
  })

  it('are JSON values in the founding form, required ones always there, with the token beside them', () => {
    toolkit.registerTool(
      {
        functionName: 'founding',
        description,
        params: ['name', 'domain', 'auth_token'],
        requiredParams: ['name', 'auth_token'],
        authType: 'OAuth2',
      },
      (args) => {
        expectTypeOf(args).toEqualTypeOf<{ name: JsonValue; domain?: JsonValue; auth_token?: string }>()
      },
    )
  })

  it('are empty where there are no params', () => {
    toolkit.registerTool({ name: 'none', description }, (args) => {
      expectTypeOf(args).toEqualTypeOf<Record<string, never>>()
    })
  })

  it('are inferred by defineTool in the same way', () => {
    const tool = defineTool({ name: 'a', description, params: z.object({ city: z.string() }) }, ({ city }, context) => {
      expectTypeOf(city).toEqualTypeOf<string>()
      expectTypeOf(context).toEqualTypeOf<ToolContext>()
    })
    expectTypeOf(tool).toEqualTypeOf<Tool>()
    defineTool({ name: 'b', description }, (args) => {
      expectTypeOf(args).toEqualTypeOf<Record<string, never>>()
    })
    defineTool({ name: 'c', description, params: ['q'], requiredParams: ['q'] }, (args) => {
      expectTypeOf(args).toEqualTypeOf<{ q: JsonValue; auth_token?: string }>()
    })
  })
})

describe('what the types refuse', () => {
  it('refuses handlers that expect other arguments', () => {
    const cities = z.object({ city: z.string() })
    // @ts-expect-error city is a text
    toolkit.registerTool({ name: 'a', description, params: cities }, (_: { city: number }) => {})
    // @ts-expect-error the list has no such name
    toolkit.registerTool({ name: 'a', description, params: ['city'] }, ({ town }) => town)
  })

  it('refuses definitions without a description and params of no known form', () => {
    // @ts-expect-error description is missing
    toolkit.registerTool({ name: 'a' }, () => {})
    // @ts-expect-error a text is no form of params
    toolkit.registerTool({ name: 'a', description, params: 'city' }, () => {})
  })

  it('gives handlers a context they cannot change', () => {
    expectTypeOf<ToolContext['signal']>().toEqualTypeOf<AbortSignal>()
    expectTypeOf<ToolContext['authToken']>().toEqualTypeOf<string | undefined>()
    // @ts-expect-error the token is read-only
    toolkit.registerTool({ name: 'a', description }, (_, context) => (context.authToken = ''))
  })
})

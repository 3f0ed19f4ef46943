import type { ToolContext } from '@atp/core'
import { describe, expectTypeOf, it } from 'vitest'
import * as z from 'zod'
import { AtpTool } from '../../src/index.ts'

const description = ''
const byId = { description, params: z.object({ id: z.string(), days: z.int().default(3) }) }

describe('@AtpTool', () => {
  it('takes methods whose parameter fits what the schema lets through', () => {
    class Tools {
      @AtpTool(byId)
      exact(args: { id: string; days: number }, _context: ToolContext): string {
        expectTypeOf(args.days).toBeNumber()
        return args.id
      }

      @AtpTool(byId)
      wider({ id }: { id: string | number }): unknown {
        return id
      }

      @AtpTool(byId)
      inferred(args: z.output<typeof byId.params>): unknown {
        return args.id
      }

      @AtpTool(byId)
      without(): void {}

      @AtpTool(byId)
      async *stream({ id }: { id: string }): AsyncGenerator<string> {
        yield id
      }

      @AtpTool({ description })
      nothing(): number {
        return 1
      }

      @AtpTool({ description, params: z.object({}) })
      contextOnly(_args: object, { signal }: ToolContext): boolean {
        return signal.aborted
      }

      @AtpTool({
        description,
        params: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
      })
      fromJsonSchema({ city }: { city: string }): string {
        return city
      }

      @AtpTool({ description, params: ['city', 'days'], requiredParams: ['city'] })
      founding({ city, days }: { city: unknown; days?: unknown }): unknown {
        return [city, days]
      }
    }
    expectTypeOf<Tools['exact']>().returns.toBeString()
  })

  it('refuses methods whose parameter does not', () => {
    class Tools {
      // @ts-expect-error the schema lets a text through, not a number
      @AtpTool(byId)
      wrongType({ id }: { id: number }): number {
        return id
      }

      // @ts-expect-error the schema knows no such member
      @AtpTool(byId)
      unknownMember({ name }: { name: string }): string {
        return name
      }

      // @ts-expect-error the member may be missing
      @AtpTool({ description, params: z.object({ id: z.string().optional() }) })
      missingMember({ id }: { id: string }): string {
        return id
      }

      // @ts-expect-error there are no parameters
      @AtpTool({ description })
      noParams({ id }: { id: string }): string {
        return id
      }

      // @ts-expect-error the second parameter is the context
      @AtpTool(byId)
      wrongContext(_args: { id: string }, context: { user: string }): string {
        return context.user
      }

      // @ts-expect-error a tool is a method
      @AtpTool(byId)
      field = 1
    }
    expectTypeOf<Tools['field']>().toBeNumber()
  })

  it('refuses definitions that are none', () => {
    class Tools {
      // @ts-expect-error a model needs a description
      @AtpTool({ params: byId.params })
      withoutDescription(): void {}

      // @ts-expect-error no such option
      @AtpTool({ description, parameters: byId.params })
      misspelt(): void {}
    }
    expectTypeOf<Tools>().toHaveProperty('misspelt')
  })
})

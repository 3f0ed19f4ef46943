import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { JsonValue } from '../protocol/json.ts'

/** The argument type of a handler, from any of the four forms of `params`. */
export type InferArgs<Params, Required> = Params extends StandardSchemaV1
  ? StandardSchemaV1.InferOutput<Params>
  : Params extends readonly string[]
    ? FoundingArgs<Params[number], Required extends readonly string[] ? Required[number] : never>
    : Params extends { readonly type: 'object' }
      ? FromJsonSchema<Params>
      : Params extends undefined
        ? Record<string, never>
        : Record<string, unknown>

/** Founding tools name their parameters and say nothing of types; the token is among the arguments. */
type FoundingArgs<Name extends string, Required extends string> = Simplify<
  { [K in Exclude<Name, 'auth_token'> & Required]: JsonValue } & {
    [K in Exclude<Name, 'auth_token' | Required>]?: JsonValue
  } & { auth_token?: string }
>

/** A JSON Schema literal's type, as far as TypeScript can tell; anything else is `unknown`. */
export type FromJsonSchema<S> = S extends { readonly const: infer C }
  ? C
  : S extends { readonly enum: readonly (infer E)[] }
    ? E
    : S extends { readonly type: 'string' }
      ? string
      : S extends { readonly type: 'number' | 'integer' }
        ? number
        : S extends { readonly type: 'boolean' }
          ? boolean
          : S extends { readonly type: 'null' }
            ? null
            : S extends { readonly type: 'array'; readonly items: infer I }
              ? FromJsonSchema<I>[]
              : S extends { readonly type: 'object'; readonly properties: infer P }
                ? Simplify<
                    { -readonly [K in keyof P as K extends RequiredNames<S> ? K : never]: FromJsonSchema<P[K]> } & {
                      -readonly [K in keyof P as K extends RequiredNames<S> ? never : K]?: FromJsonSchema<P[K]>
                    }
                  >
                : S extends { readonly type: 'object' }
                  ? Record<string, unknown>
                  : unknown

type RequiredNames<S> = S extends { readonly required: readonly (infer R)[] } ? R : never
type Simplify<T> = { [K in keyof T]: T[K] } & {}

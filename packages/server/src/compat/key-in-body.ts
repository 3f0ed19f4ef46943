import { isJsonObject } from '@atp/core/protocol'

/** The `api_key` that the Python SDK writes into bodies. */
export function keyInBody(body: unknown): string | undefined {
  const key = isJsonObject(body) ? body.api_key : undefined
  return typeof key === 'string' ? key : undefined
}

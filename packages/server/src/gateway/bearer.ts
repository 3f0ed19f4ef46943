/**
 * The key of an `Authorization` header: `Bearer KEY` (RFC 6750 section 2.1) or `ApiKey KEY`, as the Python SDK
 * writes it. Undefined when there is none.
 */
export function bearerKey(authorization: string | undefined): string | undefined {
  return /^(?:bearer|apikey) +(\S+) *$/i.exec(authorization ?? '')?.[1]
}

/** The type of a Content-Type, in lower case and without parameters; `''` without one. */
export function mediaTypeOf(contentType: string | null | undefined): string {
  return (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
}

/** `application/json` and every `+json`. */
export function isJsonType(type: string): boolean {
  return type === 'application/json' || type.endsWith('+json')
}

/** One JSON value a line, under the names that are in use. */
export function isNdjsonType(type: string): boolean {
  return /^application\/(?:x-)?(?:ndjson|jsonl|jsonlines|json-lines)$/.test(type)
}

/** Types whose bodies are no texts. */
export function isBinaryType(type: string): boolean {
  if (/^(?:image|audio|video|font|model)\//.test(type)) return !type.endsWith('+xml')
  return /^application\/(?:octet-stream|pdf|zip|gzip|x-gzip|x-tar|x-7z-compressed|wasm|protobuf|x-protobuf|msgpack|x-msgpack|cbor|vnd\.(?:apache\.|ms-|openxmlformats).*)$|\+(?:zip|cbor|gzip)$/.test(
    type,
  )
}

/** The parameter `charset` of a Content-Type. */
export function charsetOf(contentType: string | null | undefined): string | undefined {
  return /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(contentType ?? '')?.[1]
}

type Bytes = Uint8Array<ArrayBuffer>

/** Cuts a stream of bytes into pieces of exactly `size`, however it arrives; the last one has what is left. */
export async function* bytePieces(chunks: AsyncIterable<Bytes>, size: number): AsyncGenerator<Bytes, void, undefined> {
  let piece = new Uint8Array(size)
  let filled = 0
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) {
      const part = chunk.subarray(at, at + size - filled)
      piece.set(part, filled)
      filled += part.length
      at += part.length
      if (filled < size) continue
      yield piece
      piece = new Uint8Array(size)
      filled = 0
    }
  }
  if (filled > 0) yield piece.slice(0, filled)
}

/** The tool that every streaming system serves: it tells the same pieces in the same order. */
export const chunksTool = 'chunks'

/** How many pieces one call yields. */
export const chunksPerStream = 1_000

/** A small piece, such as a model's next words. */
export interface Chunk {
  n: number
  text: string
}

/** What the tool runs. It waits for nothing: how fast pieces pass is what is measured. */
export async function* chunks(): AsyncGenerator<Chunk, { count: number }> {
  for (let n = 0; n < chunksPerStream; n += 1) yield { n, text: 'next words' }
  return { count: chunksPerStream }
}

/**
 * Refuses a piece that is missing, out of order, or another one.
 * @param n the place of the piece in its stream, from 0
 * @throws Error showing the piece
 */
export function checkChunk(chunk: unknown, n: number): void {
  const given = (chunk ?? {}) as Partial<Chunk>
  if (given.n !== n || given.text !== 'next words') throw wrongPiece(n, chunk)
}

/**
 * Refuses the end of a stream that ended early or with something else.
 * @param count how many pieces came before
 * @throws Error showing the result
 */
export function checkStreamEnd(result: unknown, count: number): void {
  const given = (result ?? {}) as { count?: unknown }
  if (given.count !== chunksPerStream || count !== chunksPerStream) throw wrongPiece(count, result)
}

function wrongPiece(n: number, piece: unknown): Error {
  return new Error(`Piece ${n} of a stream is not what the tool yielded: ${JSON.stringify(piece)?.slice(0, 300)}`)
}

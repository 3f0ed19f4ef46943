import { open } from 'node:fs/promises'
import { endianness } from 'node:os'
import { join } from 'node:path'

/** Where the index of SQLite's write-ahead log counts transactions that wrote ("iChange" of the WAL-index header). */
const changeCountOffset = 8

/**
 * Commits of the server's main database so far, modulo 2^32. Not for the server's own process: closing the file there
 * would drop the locks that SQLite holds on it.
 */
export async function sqliteCommits(dataDir: string): Promise<number> {
  const file = await open(join(dataDir, 'atp.sqlite-shm'))
  try {
    const { buffer, bytesRead } = await file.read(new DataView(new ArrayBuffer(4)), { position: changeCountOffset })
    if (bytesRead < 4) throw new Error('The index of the write-ahead log is empty')
    const isLittleEndian = endianness() === 'LE'
    return buffer.getUint32(0, isLittleEndian)
  } finally {
    await file.close()
  }
}

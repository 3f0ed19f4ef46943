import { randomFillSync } from 'node:crypto'
import { v7 } from 'uuid'

/**
 * A new UUIDv7 in lower case. Ids made by one process ascend in the order they were made, also within a millisecond
 * and when the clock steps back.
 */
export function newId(): string {
  const random = sixteenRandomBytes()
  const now = Date.now()
  if (now > lastMilliseconds) {
    lastMilliseconds = now
    // 31 random bits: the top one stays free, so that counting up has room before it wraps.
    sequence = random.readUInt32BE(6) & 0x7fffffff
  } else {
    sequence = (sequence + 1) | 0
    if (sequence === 0) lastMilliseconds += 1
  }
  return v7({ random, msecs: lastMilliseconds, seq: sequence })
}

let lastMilliseconds = 0
let sequence = 0

const randomPool = Buffer.alloc(4_096)
let randomUsed = randomPool.length

/** The library asks the system for random bytes on each id, which costs six times the rest; a pool asks once per 256. */
function sixteenRandomBytes(): Buffer {
  if (randomUsed === randomPool.length) {
    randomFillSync(randomPool)
    randomUsed = 0
  }
  randomUsed += 16
  return randomPool.subarray(randomUsed - 16, randomUsed)
}

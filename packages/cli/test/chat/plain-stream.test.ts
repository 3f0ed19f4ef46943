import { describe, expect, it } from 'vitest'
import { PlainStream } from '../../src/chat/plain-stream.ts'

function write(...pieces: string[]): string {
  const stream = new PlainStream()
  return pieces.map((piece) => stream.push(piece)).join('') + stream.end()
}

describe('streamed text', () => {
  it('cannot move the cursor, change colours or the direction of writing', () => {
    expect(write('a\u001b', '[2Jb\u202e', '\u009bc\td\n')).toBe('a\\u001b[2Jb\\u202e\\u009bc\td\n')
  })

  it('keeps a line break and a character whose halves come in two pieces', () => {
    expect(write('one\r', '\ntwo\r', 'three\r')).toBe('one\ntwo\\u000dthree\\u000d')
    expect(write('🙂'.slice(0, 1), '🙂'.slice(1), '!')).toBe('🙂!')
  })

  it('is written as far as it is certain', () => {
    const stream = new PlainStream()
    expect([stream.push('one\r'), stream.push(''), stream.push('\n')]).toEqual(['one', '', '\n'])
  })
})

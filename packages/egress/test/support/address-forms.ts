import fc from 'fast-check'

type Octets = readonly [number, number, number, number]

const octet = fc.nat(255)

/** IPv4 addresses that are not public, of all the ranges that matter. */
export const privateIpv4: fc.Arbitrary<Octets> = fc.oneof(
  fc.tuple(fc.constant(127), octet, octet, octet),
  fc.tuple(fc.constant(10), octet, octet, octet),
  fc.tuple(fc.constant(0), octet, octet, octet),
  fc.tuple(fc.constant(172), fc.integer({ min: 16, max: 31 }), octet, octet),
  fc.tuple(fc.constant(192), fc.constant(168), octet, octet),
  fc.tuple(fc.constant(169), fc.constant(254), octet, octet),
  fc.tuple(fc.constant(100), fc.integer({ min: 64, max: 127 }), octet, octet),
  fc.tuple(fc.constant(198), fc.integer({ min: 18, max: 19 }), octet, octet),
  fc.tuple(fc.integer({ min: 224, max: 255 }), octet, octet, octet),
)

/** Every way that some parser reads an IPv4 address from: one to four parts, three bases, any digits and dots. */
export function ipv4Form(octets: Octets): fc.Arbitrary<string> {
  const wordsOf = (parts: number): number[] => {
    const head = octets.slice(0, parts - 1)
    return [...head, octets.slice(parts - 1).reduce((sum, each) => sum * 256 + each, 0)]
  }
  const number = (value: number): fc.Arbitrary<string> =>
    fc.tuple(fc.constantFrom('', '0', '0x', '0X'), fc.nat(3)).map(([base, zeros]) => {
      if (base === '') return String(value)
      return base === '0'
        ? `0${'0'.repeat(zeros)}${value.toString(8)}`
        : `${base}${'0'.repeat(zeros)}${value.toString(16)}`
    })
  const dot = fc.constantFrom('.', '.', '.', '。', '．', '｡', '%2e', '%2E')
  return fc.integer({ min: 1, max: 4 }).chain((parts) =>
    fc
      .tuple(
        fc.tuple(...wordsOf(parts).map(number)),
        dot,
        fc.constantFrom('', '.'),
        fc.array(fc.boolean()),
        fc.boolean(),
      )
      .map(([words, separator, end, encoded, wide]) => {
        const digits = words.map((word) =>
          [...word].map((each, at) => disguise(each, encoded[at] === true, wide)).join(''),
        )
        return digits.join(separator) + end
      }),
  )
}

/** Every way to write eight groups, or to carry an IPv4 address in them. */
export function ipv6Form(octets: Octets): fc.Arbitrary<string> {
  const [a, b, c, d] = octets
  const high = a * 256 + b
  const low = c * 256 + d
  const group = fc.nat(0xffff)
  const global = fc.tuple(fc.integer({ min: 0x2400, max: 0x2bff }), group, group, group)
  const carriers = fc.oneof<fc.Arbitrary<readonly number[]>[]>(
    fc.constant([0, 0, 0, 0, 0, 0xffff, high, low]),
    fc.constant([0, 0, 0, 0, 0, 0, high, low]),
    fc.constant([0, 0, 0, 0, 0xffff, 0, high, low]),
    fc.constant([0x64, 0xff9b, 0, 0, 0, 0, high, low]),
    fc.tuple(group, group, group).map(([x, y, z]) => [0x64, 0xff9b, 1, x, y, z, high, low]),
    fc.array(group, { minLength: 5, maxLength: 5 }).map((rest) => [0x2002, high, low, ...rest]),
    fc.tuple(group, group, group, group).map((rest) => [0x2001, 0, ...rest, high ^ 0xffff, low ^ 0xffff]),
    fc.tuple(global, fc.constantFrom(0, 0x200)).map(([prefix, bit]) => [...prefix, bit, 0x5efe, high, low]),
    fc
      .tuple(fc.integer({ min: 0xfc00, max: 0xffff }), fc.array(group, { minLength: 7, maxLength: 7 }))
      .map(([x, rest]) => [x, ...rest]),
    fc.constant([0, 0, 0, 0, 0, 0, 0, 1]),
  )
  const writing = fc.record({ pad: fc.boolean(), upper: fc.boolean(), short: fc.boolean(), dotted: fc.boolean() })
  return fc.tuple(carriers, writing).map(([groups, { pad, upper, short, dotted }]) => {
    const words = groups.map((each) => each.toString(16).padStart(pad ? 4 : 1, '0'))
    const [last = 0, lastButOne = 0] = groups.toReversed()
    const tail = [lastButOne >> 8, lastButOne & 255, last >> 8, last & 255].join('.')
    const text = (dotted ? [...words.slice(0, 6), tail] : words).join(':')
    const shortened = short ? text.replace(/(?:^|:)0+(?::0+)+(?=:|$)/, ':').replace(/^:(?!:)|(?<!:):$/, '::') : text
    return upper ? shortened.toUpperCase() : shortened
  })
}

function disguise(character: string, encoded: boolean, wide: boolean): string {
  if (wide && /\d/.test(character)) return String.fromCodePoint(0xff10 + Number(character))
  return encoded ? `%${character.charCodeAt(0).toString(16)}` : character
}

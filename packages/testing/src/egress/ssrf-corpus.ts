/** The rule that a refusal names: of the URL's text, of its address, of a redirect. */
export type SsrfRule = 'E2' | 'E3' | 'E5'

/** One URL that no guard may follow. */
export interface SsrfCase {
  why: string
  url: string
  rule: SsrfRule
}

/** A way into forbidden places by redirects. The first request goes to {@link publicName}, which answers each in turn. */
export interface SsrfRedirect {
  why: string
  /** What `Location` says, hop by hop; all but the last lead to {@link publicName} again. */
  locations: readonly string[]
  rule: SsrfRule
}

/** A name that {@link corpusLookup} gives a public address. */
export const publicName = 'public.example'

/** The address of {@link publicName}: a public one, which tests must never let a packet reach. */
export const publicAddress = '93.184.216.34'

const names: ReadonlyMap<string, readonly string[]> = new Map([
  [publicName, [publicAddress]],
  ['loopback.example', ['127.0.0.1']],
  ['localhost.public.example', ['127.0.0.1']],
  ['127.0.0.1.public.example', ['127.0.0.1']],
  ['loopback6.example', ['::1']],
  ['private.example', ['10.0.0.5']],
  ['mixed.example', [publicAddress, '127.0.0.1']],
  ['mixed6.example', ['2606:2800:220:1::1', 'fd00::5']],
  ['mapped.example', ['::ffff:127.0.0.1']],
  ['nat64.example', ['64:ff9b::a9fe:a9fe']],
  ['zone.example', ['fe80::1%lo']],
  ['text.example', ['127.1']],
  ['metadata.google.internal', ['169.254.169.254']],
  ['host.docker.internal', ['192.168.65.2']],
  ['kubernetes.default.svc', ['10.96.0.1']],
  ['xn--bcher-kva.example', ['10.1.2.3']],
])

/**
 * Resolves the names of the corpus, and none else: what a guard under test is given in place of name servers, so that
 * nothing leaves the machine.
 */
export async function corpusLookup(hostname: string): Promise<readonly string[]> {
  const addresses = names.get(hostname.replace(/\.$/, ''))
  if (addresses !== undefined) return addresses
  throw Object.assign(new Error(`${hostname} is not in the corpus`), { code: 'ENOTFOUND' })
}

/** URLs that every outbound feature must refuse without a connection. `port` is where a canary listens on loopback. */
export function ssrfCorpus(port: number): SsrfCase[] {
  return [
    ...hosts('E3', port, 'this machine, written as', loopback4),
    ...hosts('E3', port, 'a private or special IPv4 address', special4),
    ...hosts('E3', port, 'a special IPv6 address', special6),
    ...hosts('E3', port, 'a name of this machine', localNames),
    ...hosts('E3', port, 'a name with an address that is not public', [...names.keys()].slice(1)),
    ...hosts('E3', port, 'a name in another spelling', ['LOOPBACK.EXAMPLE', 'loopback.example.', 'bücher.example']),
    ...hosts('E2', port, 'no host at all', noHosts),
    ...spellings(port).map((url) => ({ why: 'this machine, in an odd spelling of the URL', url, rule: 'E3' as const })),
    ...credentials(port).map((url) => ({ why: 'credentials before the host', url, rule: 'E2' as const })),
    ...schemes(port).map((url) => ({ why: 'another scheme', url, rule: 'E2' as const })),
    ...notAbsolute(port).map((url) => ({ why: 'not an absolute URL', url, rule: 'E2' as const })),
  ]
}

/** Redirects that every outbound feature that follows any must refuse. `port` is where a canary listens on loopback. */
export function ssrfRedirects(port: number): SsrfRedirect[] {
  const again = `https://${publicName}/again`
  const to = (rule: SsrfRule, why: string, ...locations: string[]): SsrfRedirect => ({ why, locations, rule })
  return [
    to('E5', 'into this machine', `https://127.0.0.1:${port}/`),
    to('E5', 'into this machine, without TLS', `http://127.0.0.1:${port}/`),
    to('E5', 'into this machine, by name', `https://localhost:${port}/`),
    to('E5', 'into this machine, by name and dot', `https://LOCALHOST.:${port}/`),
    to('E5', 'into this machine, keeping the scheme', `//127.0.0.1:${port}/`),
    to('E5', 'into this machine, by backslashes', `\\\\127.0.0.1:${port}/`),
    to('E5', 'into this machine, as hexadecimal', `https://0x7f.1:${port}/`),
    to('E5', 'into this machine, as a number', `https://2130706433:${port}/`),
    to('E5', 'into this machine, as zero', `https://0:${port}/`),
    to('E5', 'into this machine, as IPv6', `https://[::1]:${port}/`),
    to('E5', 'into this machine, as unspecified IPv6', `https://[::]:${port}/`),
    to('E5', 'into this machine, as mapped IPv6', `https://[::ffff:7f00:1]:${port}/`),
    to('E5', 'into this machine, at the third hop', again, again, `https://127.0.0.1:${port}/`),
    to('E3', 'to a name of this machine', `https://loopback.example:${port}/`),
    to('E3', 'to a private address', 'https://10.0.0.5/'),
    to('E3', 'to cloud metadata', 'https://169.254.169.254/latest/meta-data/'),
    to('E3', 'to cloud metadata, by name', 'https://metadata.google.internal/computeMetadata/v1/'),
    to('E2', 'to cloud metadata, without TLS', 'http://169.254.169.254/latest/meta-data/'),
    to('E2', 'to a public target without TLS', `http://${publicName}/`),
    to('E2', 'to a file', 'file:///etc/passwd'),
    to('E2', 'to another protocol', `gopher://${publicName}:${port}/_`),
    to('E2', 'to credentials', `https://user:password@${publicName}/`),
    to('E2', 'to nowhere', 'https://[::1'),
    to('E5', 'round and round', again, again, again, again, again, again),
  ]
}

function hosts(rule: SsrfRule, port: number, why: string, list: readonly string[]): SsrfCase[] {
  return list.map((host) => ({ why: `${why}: ${host}`, url: `https://${host}:${port}/`, rule }))
}

const loopback4 = [
  ...['127.0.0.1', '127.1', '127.0.1', '127.255.255.254', '127.0.0.1.', '2130706433', '017700000001', '0x7f000001'],
  ...['0177.0.0.1', '00000177.0.0.1', '0x7f.0.0.1', '0X7F.0x0.0x0.0x1', '0x7f.1', '0177.0x0.1', '0', '0.0.0.0', '0x0'],
  ...[
    '%31%32%37.0.0.1',
    '127%2e0%2e0%2e1',
    '127。0。0。1',
    '127｡0｡0｡1',
    '１２７．０．０．１',
    '①②⑦.⓪.⓪.①',
    '127.0.0.\u00ad1',
  ],
]

const special4 = [
  ...['10.0.0.1', '10.255.255.255', '012.0.0.1', '0xa.1', '167772161', '172.16.0.1', '172.31.255.254', '192.168.0.1'],
  ...['192.168.257', '3232235777', '0300.0250.1.1', '100.64.0.1', '100.127.255.254', '0.1.2.3'],
  // The metadata services of clouds: most, Alibaba, Oracle, Azure.
  ...['169.254.169.254', '2852039166', '0xa9fea9fe', '0251.0376.0251.0376', '169.254.43518', '169.254.170.2'],
  ...['100.100.100.200', '192.0.0.192', '168.63.129.16'],
  ...['192.0.2.1', '192.88.99.1', '198.18.0.1', '198.51.100.1', '203.0.113.1', '224.0.0.1', '239.255.255.255'],
  ...['240.0.0.1', '255.255.255.255', '4294967295'],
]

const special6 = [
  ...['[::1]', '[0:0:0:0:0:0:0:1]', '[0000:0000:0000:0000:0000:0000:0000:0001]', '[::]', '[0::0]'],
  // IPv4 inside: mapped, compatible, translated, NAT64, 6to4, Teredo, ISATAP.
  ...['[::ffff:127.0.0.1]', '[::FFFF:7F00:1]', '[0:0:0:0:0:ffff:10.0.0.1]', '[::ffff:169.254.169.254]'],
  ...['[::127.0.0.1]', '[::a9fe:a9fe]', '[::8.8.8.8]', '[::ffff:0:127.0.0.1]', '[::ffff:0:808:808]'],
  ...['[64:ff9b::127.0.0.1]', '[64:ff9b::a00:1]', '[64:ff9b::808:808]', '[64:ff9b:1::a9fe:a9fe]'],
  ...[
    '[2002:7f00:1::]',
    '[2002:a9fe:a9fe::1]',
    '[2002:808:808::]',
    '[2001:0:4136:e378:8000:63bf:80ff:fffe]',
    '[2001::1]',
  ],
  ...['[2606:4700::5efe:10.0.0.1]', '[2606:4700::200:5efe:a9fe:a9fe]'],
  ...['[fe80::1]', '[febf::1]', '[fec0::1]', '[fc00::1]', '[fd00:ec2::254]', '[fdff::1]', '[ff02::1]', '[ff0e::1]'],
  ...[
    '[100::1]',
    '[2001:2::1]',
    '[2001:10::1]',
    '[2001:20::1]',
    '[2001:db8::1]',
    '[3fff::1]',
    '[5f00::1]',
    '[4000::1]',
  ],
]

const localNames = [
  ...['localhost', 'LOCALHOST', 'LocalHost.', 'localhost.', 'app.localhost', 'a.b.localhost.'],
  ...['ⓛⓞⓒⓐⓛⓗⓞⓢⓣ', 'ｌｏｃａｌｈｏｓｔ', 'loc\u200balhost', '%6cocalhost'],
]

const noHosts = [
  ...[
    '[fe80::1%25eth0]',
    '[::1%25lo]',
    '[::1%lo]',
    '[::1',
    '::1',
    '256.256.256.256',
    '127.0.0.0.1',
    '0x7f.0.0.0x1000000',
  ],
  ...['127.0.0.1%00.public.example', 'public.example%2f@', 'a b.example', '[127.0.0.1]', '[v1.127.0.0.1]', '09.0.0.1'],
]

function spellings(port: number): string[] {
  return [
    `https:127.0.0.1:${port}/`,
    `https:/127.0.0.1:${port}/`,
    `https:///127.0.0.1:${port}/`,
    `https:\\\\127.0.0.1:${port}\\`,
    `  https://127.0.0.1:${port}/  `,
    `https://127.0\t.0\n.1:${port}/`,
    `ht\ntps://127.0.0.1:${port}/`,
    `HTTPS://127.0.0.1:${port}/`,
    `https://127.0.0.1:${port}#@${publicName}/`,
    `https://127.0.0.1:${port}?@${publicName}/`,
    `https://127.0.0.1:${port}\\@${publicName}/`,
    `https://127.0.0.1:${port}/https://${publicName}/`,
    `https://[::1]:${port}/?url=https://${publicName}/`,
  ]
}

function credentials(port: number): string[] {
  return [
    `https://user:password@${publicName}/`,
    `https://token@${publicName}/`,
    `https://${publicName}@127.0.0.1:${port}/`,
    `https://${publicName}:443@127.0.0.1:${port}/`,
    `https://127.0.0.1:${port}@${publicName}/`,
    `https://${publicName}%2f@127.0.0.1:${port}/`,
    `https://${publicName}%00@127.0.0.1:${port}/`,
    `https://a@b@127.0.0.1:${port}/`,
    `https://:password@127.0.0.1:${port}/`,
  ]
}

function schemes(port: number): string[] {
  return [
    `http://127.0.0.1:${port}/`,
    `HTTP://127.0.0.1:${port}/`,
    `http://localhost:${port}/`,
    `http://localhost.${publicName}:${port}/`,
    `http://127.0.0.1.${publicName}:${port}/`,
    `http://[::1]:${port}/`,
    `http://${publicName}/`,
    'http://169.254.169.254/latest/meta-data/iam/security-credentials/',
    'http://[fd00:ec2::254]/latest/meta-data/',
    `ws://127.0.0.1:${port}/`,
    `wss://127.0.0.1:${port}/`,
    `ftp://127.0.0.1:${port}/`,
    `gopher://127.0.0.1:${port}/_GET%20/`,
    `dict://127.0.0.1:${port}/info`,
    `ldap://127.0.0.1:${port}/`,
    'file:///etc/passwd',
    'file://127.0.0.1/etc/passwd',
    `data:text/plain,127.0.0.1:${port}`,
    `blob:https://127.0.0.1:${port}/`,
    'unix:/var/run/docker.sock',
    `http+unix://127.0.0.1:${port}/`,
    `javascript:fetch('https://127.0.0.1:${port}/')`,
    `view-source:https://127.0.0.1:${port}/`,
    `httpss://127.0.0.1:${port}/`,
  ]
}

function notAbsolute(port: number): string[] {
  return ['', '/', '/etc/passwd', 'https:', 'https://', '?x', '#x', `//127.0.0.1:${port}/`, 'https://127.0.0.1:99999/']
}

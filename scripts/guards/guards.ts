/** A line that a security rule hangs on, and the test that fails when it is gone. */
export interface Guard {
  /** The rule it keeps, as in docs/security.md. */
  rule: string
  /** What the line does. */
  does: string
  file: string
  /** What stands in the file, once. */
  line: string
  /** What stands there when the guard is gone; still compiles. */
  without: string
  /** The test file, from the root. */
  test: string
  /** One of the tests in it that must fail. */
  title: string
}

const envelope = 'packages/server/src/vault/envelope.ts'
const envelopeTest = 'packages/server/test/vault/envelope.test.ts'
const vault = 'packages/server/src/vault/vault.ts'
const vaultTest = 'packages/server/test/vault/vault.test.ts'
const sqliteTest = 'packages/server/test/store/sqlite.test.ts'
const secretStore = 'packages/server/src/store/kysely/secret-store.ts'
const redirectTest = 'packages/egress/test/redirects.test.ts'

/** Each is removed alone by `npm run guards`, and its test must fail. */
export const guards: readonly Guard[] = [
  {
    rule: 'V1',
    does: 'takes another IV for each encryption',
    file: envelope,
    line: 'const iv = randomBytes(ivLength)',
    without: 'const iv = Buffer.alloc(ivLength)',
    test: envelopeTest,
    title: 'opens what it sealed, whatever it is, and never seals the same way twice',
  },
  {
    rule: 'V2',
    does: 'binds a ciphertext to its row when it is opened',
    file: vault,
    line: "return ['secret', projectId, ownerKind, ownerId, field]",
    without: "return ['secret', projectId, ownerKind, ownerId]",
    test: vaultTest,
    title: 'refuses a ciphertext that was moved to another row, owner, field or project',
  },
  {
    rule: 'V2',
    does: 'binds a data key to its project and id',
    file: 'packages/server/src/vault/data-key-ring.ts',
    line: "return ['data-key', projectId, id]",
    without: "return ['data-key']",
    test: vaultTest,
    title: 'refuses a data key that was moved to another project with its secret, or swapped with another',
  },
  {
    rule: 'V3',
    does: 'derives a key for each part of each call',
    file: 'packages/server/src/vault/call-seal.ts',
    line: "JSON.stringify(['atp-call-v1', callId, part])",
    without: "JSON.stringify(['atp-call-v1', callId.slice(0, 0), part])",
    test: 'packages/server/test/vault/call-seal.test.ts',
    title: 'is encrypted with a key that is derived for it alone',
  },
  {
    rule: 'V4',
    does: 'stores no call under a data key that was retired',
    file: 'packages/server/src/store/kysely/durable-insert.ts',
    line: 'and retired_at is null order by id',
    without: 'order by id',
    test: sqliteTest,
    title: 'are refused when their data key is retired or not there, beside others that are stored',
  },
  {
    rule: 'D3',
    does: 'takes a lease for the call’s only while it is',
    file: 'packages/server/src/store/kysely/durable-leases.ts',
    line: 'call.lease_id === leaseId &&',
    without: "leaseId !== '' &&",
    test: sqliteTest,
    title: 'with a lease count only while it is the call’s',
  },
  {
    rule: 'D6',
    does: 'writes one outcome for each call',
    file: 'packages/server/src/store/kysely/durable-finish.ts',
    line: "if (call.state === 'ended' || call.state === 'dead' || ending.has(callId)) return 'late'",
    without: "if (call.state === 'dead') return 'late'",
    test: sqliteTest,
    title: 'are the first one of each call, also within one list',
  },
  {
    rule: 'X4',
    does: 'gives an idempotency key to one call',
    file: 'packages/server/src/store/kysely/durable-insert.ts',
    line: 'where idempotency_claims.expires_at <= excluded.created_at',
    without: 'where idempotency_claims.expires_at > 0',
    test: sqliteTest,
    title: 'give the second of two calls the first one, with its fingerprint',
  },
  {
    rule: 'V2',
    does: 'writes the binding so that no two look the same',
    file: envelope,
    line: "Buffer.from(JSON.stringify(['atp-vault', version, keyId, ...binding]))",
    without: "Buffer.from(['atp-vault', version, keyId, ...binding].join(''))",
    test: envelopeTest,
    title: 'refuses another key, another key id, another version and any other binding',
  },
  {
    rule: 'V3',
    does: 'refuses a master key that is a sample or a text',
    file: 'packages/server/src/vault/master-keys.ts',
    line: 'if (isWeak(bytes)) throw refusal(',
    without: 'if (false as boolean) throw refusal(',
    test: 'packages/server/test/vault/master-keys.test.ts',
    title: 'refuses a key of zeros as a sample',
  },
  {
    rule: 'V3',
    does: 'refuses to start without a master key in production',
    file: 'packages/server/src/vault/open-vault.ts',
    line: '  if (!dev) {\n    throw',
    without: '  if (!dev && dataDir === "") {\n    throw',
    test: 'packages/server/test/vault/open-vault.test.ts',
    title: 'refuses to start a server without keys, before it makes anything',
  },
  {
    rule: 'V3',
    does: 'stops a data key at 2^32 encryptions',
    file: secretStore,
    line: "    .where('encryptions', '<', maxEncryptions)\n",
    without: '',
    test: vaultTest,
    title: 'takes another data key when one has encrypted as often as it may',
  },
  {
    rule: 'V4',
    does: 'encrypts nothing with a data key that was retired',
    file: secretStore,
    line: "    .where('retired_at', 'is', null)\n",
    without: '',
    test: sqliteTest,
    title: 'writes nothing with a data key that is retired, of another project or not there',
  },
  {
    rule: 'V4',
    does: 'does not write an older secret over a newer one while rotating',
    file: secretStore,
    line: "          .where('ciphertext', '=', was)\n",
    without: '',
    test: sqliteTest,
    title: 'replaces a ciphertext only where it is the one that was read',
  },
  {
    rule: 'E3',
    does: 'takes no IPv6 address outside of 2000::/3',
    file: 'packages/egress/src/address-rules.ts',
    line: 'return address.match(givenOut) && !isIsatap',
    without: 'return !isIsatap',
    test: 'packages/egress/test/address-rules.test.ts',
    title: 'lets no IPv6 address pass outside 2000::/3',
  },
  {
    rule: 'E3',
    does: 'checks every address of a name',
    file: 'packages/egress/src/guarded-lookup.ts',
    line: 'for (const address of addresses) checkAddress',
    without: 'for (const address of addresses.slice(0, 1)) checkAddress',
    test: 'packages/egress/test/rebinding.test.ts',
    title: 'refuses a name with one bad address among good ones, wherever it stands',
  },
  {
    rule: 'E4',
    does: 'checks hosts that are addresses already',
    file: 'packages/egress/src/open-socket.ts',
    line: 'if (isIP(host) !== 0) checkAddress(host, opening, shown)',
    without: '',
    test: 'packages/egress/test/ssrf-corpus.test.ts',
    title: '"169.254.169.254" is refused to a socket, too',
  },
  {
    rule: 'E2',
    does: 'refuses plain text to public targets',
    file: 'packages/egress/src/egress-policy.ts',
    line: "  if (secure) return 'public'\n",
    without: "  if (secure || policy !== undefined) return 'public'\n",
    test: 'packages/egress/test/guarded-connect.test.ts',
    title: 'carries plain text to a public target only when that was allowed',
  },
  {
    rule: 'E5',
    does: 'takes credentials off a request that leaves its origin',
    file: 'packages/egress/src/redirect.ts',
    line: '    headers = withoutSecrets(headers, caller.secretHeaders)\n',
    without: '',
    test: redirectTest,
    title: 'never reach another origin; the rest does',
  },
  {
    rule: 'E5',
    does: 'lets no redirect lead into this machine',
    file: 'packages/egress/src/redirect.ts',
    line: 'if (meansLoopback(bareHost(url.hostname)) && !meansLoopback(bareHost(hop.url.hostname))) {',
    without: 'if (url.hostname === "") {',
    test: redirectTest,
    title: 'are closed to redirects from public origins',
  },
  {
    rule: 'E6',
    does: 'counts the bytes of an answer after unpacking',
    file: 'packages/egress/src/guarded-answer.ts',
    line: 'if (size > maxResponseBytes) throw',
    without: 'if (size < 0) throw',
    test: 'packages/egress/test/limits.test.ts',
    title: 'is counted while it streams',
  },
  {
    rule: 'E7',
    does: 'opens exactly what the operator listed',
    file: 'packages/egress/src/egress-policy.ts',
    line: 'if (plainIsListed !== undefined && (secure || plainIsListed))',
    without: 'if (policy.listed.size > 0)',
    test: 'packages/egress/test/allow-targets.test.ts',
    title: 'is open, and nothing near it is',
  },
]

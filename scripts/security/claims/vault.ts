import type { Claim } from '../claim.ts'

/** Rules V: the vault. Tokens themselves come with the OAuth broker. */
export const vaultClaims: readonly Claim[] = [
  {
    rule: 'V1',
    says:
      'Secrets are encrypted with AES-256-GCM, a new random IV each time, and a tag of 16 bytes that must be whole: ' +
      'every flipped bit and every cut tag is refused.',
    tests: {
      'packages/server/test/vault/envelope.test.ts': [
        'opens what it sealed, whatever it is, and never seals the same way twice',
        'refuses every bit that was flipped in "%s", in the text and in the bytes below it',
        'refuses bits flipped at random, in secrets of any length',
        'refuses a tag that is cut, also where the cipher made one of that length',
        'refuses texts that are no ciphertext',
      ],
    },
  },
  {
    rule: 'V2',
    says:
      'A ciphertext is bound to its project, its owner, its field, its data key and its version; a wrapped data key to ' +
      'its project, its id and its master key. What is stored of a call is bound to its project, its call and what of it ' +
      'it is. Moved anywhere else it is refused.',
    tests: {
      'packages/server/test/vault/envelope.test.ts': [
        'refuses another key, another key id, another version and any other binding',
      ],
      'packages/server/test/vault/call-seal.test.ts': [
        'a sealed part of a call > cannot be read in the place of another call, part, project or data key',
        'a sealed part of a call > cannot be read once a bit of it is another',
      ],
      'packages/server/test/vault/vault.test.ts': [
        'refuses a ciphertext that was moved to another row, owner, field or project',
        'refuses a data key that was moved to another project with its secret, or swapped with another',
      ],
    },
  },
  {
    rule: 'V3',
    says:
      'Each project has data keys of its own, wrapped by a master key of 32 bytes from the environment or a file. A ' +
      'server without a key, with a sample or a text in its place, or without the key of its data does not start, ' +
      'except with `--dev`. A data key that encrypted 2^31 times is replaced.',
    open: 'Keys of a cloud’s key service.',
    tests: {
      'packages/server/test/vault/open-vault.test.ts': [
        'refuses to start a server without keys, before it makes anything',
        'does not take the key of a development server for one of production',
        'makes a key for development once, for its user alone',
        'starts with the keys its data needs, in any order, and refuses others by their ids',
      ],
      'packages/server/test/vault/master-keys.test.ts': [
        'refuses a key of %s as a sample',
        'refuses %j',
        'tells nothing of a key in its errors, and shows none when it is printed',
      ],
      'packages/server/test/vault/vault.test.ts': [
        'gives each project a data key of its own',
        'takes another data key when one has encrypted as often as it may',
      ],
      'packages/server/test/config.test.ts': [
        'takes the encryption keys from a variable or from a file, never from both',
      ],
      'packages/cli/test/commands/server.test.ts': [
        'atp server > refuses to start without a key for its secrets, says how to make one, and leaves nothing behind',
      ],
    },
  },
  {
    rule: 'V4',
    says:
      'A ciphertext names its key. Rotation goes on beside reads and writes without a failed read, and one that is ' +
      'killed is finished by the next start.',
    tests: {
      'packages/server/test/vault/envelope.test.ts': [
        'names its version and its key, and holds nothing of the plaintext',
      ],
      'packages/server/test/vault/rotation-kill.test.ts': [
        'a rotation that is killed in the middle, under 50 reads a second, is finished by the next start > on SQLite',
        'a rotation that is killed in the middle, under 50 reads a second, is finished by the next start > with PostgreSQL > on PostgreSQL',
      ],
      'packages/server/test/vault/vault.test.ts': [
        'wraps data keys with the newest master key: the older one is not needed any more',
        'gives every secret a new data key and deletes the old one, while another process goes on',
        'reads a secret again whose data key went away between two queries',
      ],
      'packages/cli/test/commands/vault.test.ts': [
        'atp vault status and rotate > say what needs which key, and bring it to the newest one',
      ],
    },
  },
  {
    rule: 'V10',
    says:
      'An end user’s token reaches only tools that declare auth, over sockets, out of the inbox and at endpoints: the server ' +
      'sends it to no other and stores it for no other, beside the params and never among them, and the handler finds it in ' +
      'its context.',
    open: 'Stored tokens, their scopes and their audit come with the OAuth broker.',
    tests: {
      'packages/server/test/e2e/tokens.test.ts': [
        'an end user’s token goes to tools that declare auth alone, and never among params, over %s',
      ],
      'packages/server/test/calls/stored-secrets.test.ts': [
        'a stored call > has its token only where its tool declares auth: %j',
        'a stored call > brings its token to a toolkit that polls only where its tool declares auth',
      ],
      'packages/server/test/calls/stored-calls.test.ts': [
        'a call that is stored > keeps its token for a tool that declares auth, of the same provider, and for no other',
      ],
      'packages/server/test/delivery/endpoint.test.ts': [
        'a call to an endpoint > brings the token of the end user to tools that declare auth, and in no other place than the body',
      ],
      'packages/core/test/dispatch/arguments.test.ts': [
        'the token > reaches no tool that declares no auth',
        'the token > reaches the handler through the context, and not the arguments, of a tool with a schema',
      ],
      'packages/testing/src/routes/behaviours/tokens.ts': [
        'token.only-where-declared: gives no token to a tool that declares no auth, neither in its context nor in its arguments',
        'token.not-elsewhere: takes no token from the query, a cookie or Authorization',
      ],
    },
  },
]

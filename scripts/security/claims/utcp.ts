import type { Claim } from '../claim.ts'

/** What the UTCP client keeps of rules C and X. */
export const utcpClaims: readonly Claim[] = [
  {
    rule: 'C5',
    says: 'A manual uses the protocol of its own template and those that the operator lists for it, when it is registered and at each call.',
    open: 'That remote manuals never reach commands comes with the protocol that runs them.',
    tests: {
      'packages/utcp-text/test/text-protocol.test.ts': [
        'a manual from elsewhere > brings no tools that read files',
        'a manual from elsewhere > that may use text still reads no files by way of it',
      ],
      'packages/utcp/test/client/register.test.ts': [
        'registerManual > leaves tools out whose protocol the manual does not allow or the client does not have, and registers the rest',
      ],
      'packages/utcp/test/client/call.test.ts': ['callTool > refuses a protocol that the manual no longer allows'],
    },
  },
  {
    rule: 'C6',
    says: 'Variables of a manual are looked for in its own namespace and nowhere else; what was filled in is not searched again.',
    tests: {
      'packages/utcp/test/contracts/variable-substitutor.ts': [
        `the variable substitutor \${name} > puts the namespace in front, with underscores doubled, and does not fall back to the bare name`,
        `the variable substitutor \${name} > does not look for variables in what it filled in`,
      ],
      'packages/utcp/test/client/call.test.ts': [
        'callTool > fills in variables at the time of the call, with the manual’s namespace',
      ],
      'packages/utcp/test/client/register.test.ts': [
        'registerManual > throws for a variable that nothing has, with its full name',
      ],
    },
  },
  {
    rule: 'C7',
    says: 'Files are read below the root folder only, after links were followed, and up to 5 MiB.',
    differs: 'The option `allowOutsideRoot` lifts the first.',
    tests: {
      'packages/utcp-text/test/confined-file.test.ts': [
        'a path out of the root > %s is refused, naming the member',
        'a path out of the root > is never read, however it is written',
        'a file that cannot be read > is refused above 5 MiB by default',
      ],
    },
  },
]

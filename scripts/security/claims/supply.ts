import type { Claim } from '../claim.ts'

/** Rules P: where code comes from and where it goes. */
export const supplyClaims: readonly Claim[] = [
  {
    rule: 'P1',
    says:
      'Installs take the lockfile as it is, every package from the registry under its hash, and run the scripts of no ' +
      'package but those that are named. Packages of ours have no install scripts.',
    open: 'A minimum age of new releases is not set.',
    tests: {
      'scripts/test/security-supply.test.ts': [
        'an install > takes the lockfile as it is, with the pinned package manager',
        'an install > takes every package from the registry, under its hash',
        'an install > runs the scripts of no package but those that are named',
        'an install > of a package of ours runs no scripts at its user’s',
      ],
    },
  },
  {
    rule: 'P2',
    says: '@atp/core has at most 15 direct dependencies, and no framework or database among them. A package declares what it imports, and imports what it declares.',
    open: 'The driver of PostgreSQL is a dependency of @atp/server; it is loaded only where it is used.',
    tests: {
      'scripts/test/security-supply.test.ts': [
        'what packages need > is at most fifteen packages for @atp/core, and no framework or database among them',
      ],
      'scripts/test/package-boundaries.test.ts': [
        '$manifest.name > declares every package that its source imports',
        '$manifest.name > imports every package that it declares',
      ],
    },
  },
  {
    rule: 'P4',
    says: 'What is published is listed by name.',
    open: 'Provenance and a bill of materials come with the release pipeline.',
    tests: {
      'scripts/test/security-supply.test.ts': [
        'what packages need > is listed by name where a package is published: nothing else leaves the repository',
      ],
    },
  },
]

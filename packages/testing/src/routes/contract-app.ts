import { type AtpHttpOptions, createRegistry, type ToolkitSource } from '@atp/core'
import { askedRoles, roleAuthorize, userAuthorize } from './fixtures/authorize.ts'
import { createContacts } from './fixtures/contacts.ts'
import { contractKeys } from './fixtures/contract-keys.ts'
import { createFailures } from './fixtures/failures.ts'
import { createCounters, createProbe } from './fixtures/probe.ts'
import { createShop } from './fixtures/shop.ts'
import { createStreams } from './fixtures/streams.ts'
import { createTrees } from './fixtures/trees.ts'
import { createTricky } from './fixtures/tricky.ts'
import { createUnits, createUnitsClient } from './fixtures/units.ts'

export { contractKeys } from './fixtures/contract-keys.ts'

/** A route of the app itself: `GET` answers {@link ownRouteText}, `POST` answers {@link ownRoutePosted}, both as text. */
export const ownRoutePath = '/own-route'
/** What `GET` on {@link ownRoutePath} answers. */
export const ownRouteText = 'own route'
/** What `POST` on {@link ownRoutePath} answers. */
export const ownRoutePosted = 'posted'
/** The header that the app's own guard asks for. */
export const guardHeader = 'x-session'
/** What {@link guardHeader} must say; anything else is answered 403 by the app. */
export const guardValue = 'valid'

/** The least that body parsers of the app must let through, so that the limit which is tested is ours, in bytes. */
export const hostBodyLimit = 4_194_304

/** One mount of the contract app, which a host puts into an app of its framework in the framework's own way. */
export interface ContractMount {
  readonly name: string
  /** Where it is mounted; begins with a slash, or is empty at the root. */
  readonly prefix: string
  readonly source: ToolkitSource
  readonly options: AtpHttpOptions<unknown>
  /**
   * The host runs its framework's usual parsers for JSON and URL-encoded forms on this prefix first, with a limit of
   * {@link hostBodyLimit}. Where a framework always parses, nothing is to do.
   */
  readonly parsedFirst: boolean
  /** The host puts a guard of its framework first: without {@link guardHeader} a request is answered 403. */
  readonly guarded: boolean
}

/** Makes the toolkits and mounts that every host serves, with fresh state. */
export function createContractMounts(): ContractMount[] {
  const counters = createCounters()
  const shop = createShop()
  const contacts = createContacts(contractKeys.signed)
  const probe = createProbe(counters, contractKeys.signed)
  const failures = createFailures()
  const streams = createStreams(counters, contractKeys.signed)
  const asked = askedRoles()
  return [
    mount('root', '', createShop('home'), { authorize: 'public' }),
    mount('public', '/public', [shop, contacts, createTrees(), probe, failures, streams], { authorize: 'public' }),
    mount('tricky', '/tricky', createTricky(), { authorize: 'public' }),
    mount('nested', '/nested/deeper', shop, { authorize: 'public' }),
    mount('registry', '/registry', createShopRegistry(), { authorize: 'public' }),
    mount('late', '/late', createShopRegistry(), { authorize: 'public' }),
    mount('keys', '/keys', [createShop('shop', contractKeys.toolkit), contacts], {
      authorize: { keys: [contractKeys.first, contractKeys.second] },
    }),
    mount('own', '/own', [
      createUnits('north', contractKeys.north),
      createUnitsClient('south', contractKeys.south),
      createUnits('unkeyed'),
    ]),
    mount('signed', '/signed', [probe, streams, contacts]),
    mount('bare', '/bare', shop),
    mount('custom', '/custom', [shop, asked.toolkit], { authorize: roleAuthorize(asked.record) }),
    mount('principal', '/principal', [contacts, probe], { authorize: userAuthorize }),
    { ...mount('host', '/host', createShop('shop', contractKeys.toolkit), { authorize: 'host' }), guarded: true },
    { ...mount('both', '/both', shop, { authorize: { keys: [contractKeys.first] } }), guarded: true },
    { ...mount('parsed', '/parsed', [shop, contacts, probe], { authorize: 'public' }), parsedFirst: true },
    mount('busy', '/busy', [probe, streams], { authorize: 'public', maxConcurrency: 1 }),
    mount('settings', '/settings', [shop, probe], {
      authorize: 'public',
      utcpPath: '/tools/manual',
      publicUrl: 'https://tools.example.com/base/',
      title: 'Tools of a shop',
      version: '2.3.4',
      env: () => ({ region: 'north' }),
    }),
    mount('quiet', '/quiet', createFailures({ exposeErrors: false }), { authorize: 'public', utcpPath: false }),
    mount('broken', '/broken', shop, { authorize: 'public', env: failingEnv }),
  ]
}

function mount(
  name: string,
  prefix: string,
  source: ToolkitSource,
  options: AtpHttpOptions<unknown> = {},
): ContractMount {
  return { name, prefix, source, options, parsedFirst: false, guarded: false }
}

/** Registers toolkits under names of its own, and grows while it is served. */
function createShopRegistry(): ToolkitSource {
  const registry = createRegistry()
  const store = createShop()
  store.registerTool(
    { name: 'open_branch', description: 'Registers one more shop under a name', params: ['name'] },
    ({ name }) => {
      registry.registerClient(String(name), createShop())
      return { opened: name ?? null }
    },
  )
  registry.registerClient('store', store)
  registry.registerClient('Büro Nord', createUnits('north'))
  return registry
}

function failingEnv(): never {
  throw new Error('the password is hunter2')
}

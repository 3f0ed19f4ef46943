export { type Canary, startCanary } from './canary.ts'
export { createFakeInternet, type FakeInternet } from './fake-internet.ts'
export { type SelfSigned, selfSigned } from './self-signed.ts'
export {
  corpusLookup,
  publicAddress,
  publicName,
  type SsrfCase,
  type SsrfRedirect,
  type SsrfRule,
  ssrfCorpus,
  ssrfRedirects,
} from './ssrf-corpus.ts'

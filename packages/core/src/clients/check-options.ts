import { AtpError } from '../errors/atp-error.ts'

/** The longest wait that timers take; longer ones would end at once. */
const maxTimerMs = 2_147_483_647

/** Refuses a key that no header could carry. @throws AtpError `invalid_config` */
export function checkApiKey(apiKey: unknown): void {
  if (typeof apiKey === 'string' && apiKey !== '' && !/[^\x21-\x7e]/.test(apiKey)) return
  throw new AtpError('invalid_config', 'apiKey must be a non-empty text without spaces or line breaks')
}

/** Refuses an option that is no wait in milliseconds. @throws AtpError `invalid_config` */
export function checkWaitMs(name: string, value: unknown): void {
  if (value === undefined || (typeof value === 'number' && value >= 0 && value <= maxTimerMs)) return
  throw new AtpError('invalid_config', `${name} must be a number of milliseconds from 0 to ${maxTimerMs}`)
}

/** Refuses a text where a switch belongs, such as "false" of an environment. @throws AtpError `invalid_config` */
export function checkLegacyFallback(value: unknown): void {
  if (value === undefined || typeof value === 'boolean' || value === 'always') return
  throw new AtpError('invalid_config', 'legacyFallback must be true, false or "always"')
}

/** What the server takes: a client it refuses would try again for ever. @throws AtpError `invalid_config` */
export function checkConcurrency(value: number | undefined): void {
  if (value === undefined || (Number.isInteger(value) && value >= 1 && value <= 65_536)) return
  throw new AtpError('invalid_config', 'maxConcurrency must be a whole number from 1 to 65536')
}

/** Refuses what no server could post calls to. @throws AtpError `invalid_config` */
export function checkEndpointUrl(value: unknown): void {
  if (value === undefined || value === null) return
  if (typeof value === 'string' && /^https?:/i.test(value) && URL.canParse(value)) return
  throw new AtpError('invalid_config', 'endpointUrl must be an address such as https://example.com/api, or null')
}

/** Refuses a way to get calls that there is not. @throws AtpError `invalid_config` */
export function checkToolkitProtocol(value: unknown): void {
  if (value === undefined || value === 'ws' || value === 'http') return
  throw new AtpError('invalid_config', 'protocol must be "ws" or "http"')
}

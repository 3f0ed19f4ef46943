// The HTTP routes for those who write adapters of frameworks; users of an adapter need none of this.
export { type AtpHandler, createAtpHandler } from './http/handle-request.ts'
export type { AtpRequest, AtpResponse, RequestBody } from './http/http-messages.ts'
export { toRegistry } from './http/http-options.ts'
export { bodyError, closeSignal, dropAnswer, nodeBody, writeNodeResponse } from './http/node-adapter.ts'
export { type OpenApiOptions, toOpenApiDocument } from './http/open-api.ts'
export {
  encodeSignedCall,
  maxSignedCallBytes,
  type SignedCallBody,
  signedCallType,
} from './http/signed-call-body.ts'
export { type ManualOptions, toUtcpManual, type UtcpManual, type UtcpTool } from './http/utcp-manual.ts'

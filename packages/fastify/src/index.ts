// Every line is public API: adding one is a decision. The default export is what Fastify's own plugins have.
export { type AtpFastifyOptions, atp, atp as default } from './atp.ts'

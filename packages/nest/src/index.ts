// Every line is public API: adding one is a decision.
export { AtpModule } from './atp.module.ts'
export type { AtpModuleAsyncOptions, AtpModuleOptions, FactoryOptions } from './atp-module-options.ts'
export { AtpClientService } from './clients/atp-client-service.ts'
export { AtpTool, type AtpToolDecorator, type AtpToolMethod } from './tools/atp-tool.ts'
export { AtpToolkit, type AtpToolkitOptions } from './tools/atp-toolkit.ts'

import { Module, type ModuleMetadata, type Type } from '@nestjs/common'

/** Makes the root module of a test's app. */
export function appModule(metadata: ModuleMetadata): Type {
  class AppModule {}
  Module(metadata)(AppModule)
  return AppModule
}

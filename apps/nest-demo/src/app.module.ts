import { AtpModule } from '@atp/nest'
import { type DynamicModule, Module } from '@nestjs/common'
import { APP_GUARD } from '@nestjs/core'
import { CurrentStaff } from './access/current-staff.ts'
import { StaffGuard } from './access/staff.guard.ts'
import { CustomersService } from './customers/customers.service.ts'
import { Database } from './database.ts'
import { OrdersController } from './orders/orders.controller.ts'
import { OrdersService } from './orders/orders.service.ts'
import { type Settings, settingsToken } from './settings.ts'
import { DispatchTools } from './tools/dispatch.tools.ts'
import { OrderTools } from './tools/order.tools.ts'

/** The orders service: REST routes, tools, and one guard for both. */
@Module({
  imports: [AtpModule.forRoot({ authorize: 'host', title: 'Tools of Cog & Spoke' })],
  controllers: [OrdersController],
  providers: [
    Database,
    CustomersService,
    OrdersService,
    CurrentStaff,
    OrderTools,
    DispatchTools,
    { provide: APP_GUARD, useClass: StaffGuard },
  ],
})
export class AppModule {}

/** The service with its settings. */
export function withSettings(settings: Settings): DynamicModule {
  return { module: AppModule, providers: [{ provide: settingsToken, useValue: settings }] }
}

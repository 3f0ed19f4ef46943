import { Body, Controller, Get, Headers, Inject, Param, ParseIntPipe, Post, Query } from '@nestjs/common'
import { z } from 'zod'
import { bearerOf, OpenToAll } from '../access/staff.guard.ts'
import { CustomersService } from '../customers/customers.service.ts'
import { ZodPipe } from '../zod.pipe.ts'
import type { Order, Part } from './order.ts'
import { OrdersService } from './orders.service.ts'

const signIn = z.object({ email: z.string(), password: z.string() })
const wanted = z.object({
  lines: z
    .array(z.object({ sku: z.string(), quantity: z.int().min(1).max(99) }))
    .min(1)
    .max(50),
})

/** The REST routes that the service had before it had tools. */
@Controller()
export class OrdersController {
  constructor(
    @Inject(OrdersService) private readonly orders: OrdersService,
    @Inject(CustomersService) private readonly customers: CustomersService,
  ) {}

  @OpenToAll()
  @Get('parts')
  parts(@Query('text') text?: string): Part[] {
    return this.orders.parts(text)
  }

  @OpenToAll()
  @Post('sessions')
  signIn(@Body(new ZodPipe(signIn)) { email, password }: z.infer<typeof signIn>): { token: string } {
    return this.customers.signIn(email, password)
  }

  /** Open to all of the staff's guard: it asks for a customer's token instead. */
  @OpenToAll()
  @Post('orders')
  place(
    @Headers() headers: Record<string, string>,
    @Body(new ZodPipe(wanted)) { lines }: z.infer<typeof wanted>,
  ): Order {
    return this.orders.place(this.customers.byToken(bearerOf(headers)).id, lines)
  }

  @Get('orders/:id')
  find(@Param('id', ParseIntPipe) id: number): Order {
    return this.orders.find(id)
  }
}

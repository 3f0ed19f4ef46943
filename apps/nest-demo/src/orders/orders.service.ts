import { ConflictException, Inject, Injectable, NotFoundException } from '@nestjs/common'
import { Database } from '../database.ts'
import type { Order, OrderLine, OrderStatus, Part } from './order.ts'

/** Parts and orders. Its exceptions are those of the REST routes; tools pass their messages on. */
@Injectable()
export class OrdersService {
  /** Orders whose parts somebody fetches just now. */
  private readonly picking = new Set<number>()

  constructor(@Inject(Database) private readonly database: Database) {}

  parts(text = ''): Part[] {
    const sql =
      'select sku, name, price_pence as pricePence, stock from parts where instr(lower(name), lower(?)) order by sku'
    return this.database.rows<Part>(sql, text).map((part) => ({ ...part }))
  }

  /** @throws NotFoundException */
  part(sku: string): Part {
    const part = this.parts().find((one) => one.sku === sku)
    if (part) return part
    throw new NotFoundException(`There is no part "${sku}"`)
  }

  list(filter: { status?: OrderStatus | undefined; customerId?: string | undefined } = {}): Order[] {
    const { status = '', customerId = '' } = filter
    const sql = `select id from orders where (?1 = '' or status = ?1) and (?2 = '' or customer_id = ?2) order by id`
    return this.database.rows<{ id: number }>(sql, status, customerId).map(({ id }) => this.find(id))
  }

  /** @throws NotFoundException */
  find(id: number): Order {
    const sql = 'select id, customer_id as customerId, status, handled_by as handledBy from orders where id = ?'
    const [order] = this.database.rows<Omit<Order, 'lines' | 'totalPence'>>(sql, id)
    if (!order) throw new NotFoundException(`There is no order ${id}`)
    const ofOrder = 'select sku, quantity, price_pence as pricePence from order_lines where order_id = ? order by sku'
    const lines = this.database.rows<OrderLine>(ofOrder, id).map((line) => ({ ...line }))
    const totalPence = lines.reduce((sum, { quantity, pricePence }) => sum + quantity * pricePence, 0)
    return { ...order, lines, totalPence }
  }

  /** @throws NotFoundException */
  place(customerId: string, wanted: readonly { sku: string; quantity: number }[]): Order {
    const lines = wanted.map(({ sku, quantity }) => ({ quantity, part: this.part(sku) }))
    return this.database.transaction(() => {
      this.database.change("insert into orders (customer_id, status) values (?, 'placed')", customerId)
      const [{ id } = { id: 0 }] = this.database.rows<{ id: number }>('select last_insert_rowid() as id')
      for (const { quantity, part } of lines) {
        this.database.change('insert into order_lines values (?, ?, ?, ?)', id, part.sku, quantity, part.pricePence)
      }
      return this.find(id)
    })
  }

  /**
   * Marks an order as being picked, for one picker alone, until `endPicking`.
   * @throws NotFoundException or ConflictException
   */
  startPicking(id: number): Order {
    const order = this.find(id)
    if (order.status !== 'placed') throw new ConflictException(`Order ${id} is ${order.status}`)
    if (this.picking.has(id)) throw new ConflictException(`Somebody picks order ${id} already`)
    this.picking.add(id)
    return order
  }

  endPicking(id: number): void {
    this.picking.delete(id)
  }

  /** Takes what was picked off the stock. @throws ConflictException when a shelf holds less than was ordered */
  picked(id: number): Order {
    const { lines } = this.find(id)
    return this.database.transaction(() => {
      for (const { sku, quantity } of lines) {
        const taken = 'update parts set stock = stock - ?1 where sku = ?2 and stock >= ?1'
        if (this.database.change(taken, quantity, sku) === 0)
          throw new ConflictException(`There are too few of "${sku}"`)
      }
      return this.move(id, 'placed', 'picked', null)
    })
  }

  /** @throws NotFoundException or ConflictException */
  ship(id: number, by: string): Order {
    return this.move(id, 'picked', 'shipped', by)
  }

  /** @throws NotFoundException or ConflictException */
  cancel(id: number, by: string): Order {
    if (this.picking.has(id)) throw new ConflictException(`Somebody picks order ${id} already`)
    return this.move(id, 'placed', 'cancelled', by)
  }

  private move(id: number, from: OrderStatus, to: OrderStatus, by: string | null): Order {
    const sql = `update orders set status = ?, handled_by = nullif(?, '') where id = ? and status = ?`
    if (this.database.change(sql, to, by ?? '', id, from) === 1) return this.find(id)
    throw new ConflictException(`Order ${id} is ${this.find(id).status}, not ${from}`)
  }
}

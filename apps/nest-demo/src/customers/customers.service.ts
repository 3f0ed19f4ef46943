import { createHash, randomBytes } from 'node:crypto'
import { Inject, Injectable, UnauthorizedException } from '@nestjs/common'
import { Database } from '../database.ts'
import { isPassword } from './passwords.ts'

/** Who buys. */
export interface Customer {
  readonly id: string
  readonly name: string
}

/** Signs customers in, and knows them by their tokens. */
@Injectable()
export class CustomersService {
  constructor(@Inject(Database) private readonly database: Database) {}

  /** @throws UnauthorizedException */
  signIn(email: string, password: string): { token: string } {
    const sql = 'select id, password_hash as hash from customers where email = ?'
    const [found] = this.database.rows<{ id: string; hash: string }>(sql, email)
    if (!found || !isPassword(password, found.hash)) throw new UnauthorizedException('Wrong email or password')
    const token = `cog_${randomBytes(18).toString('base64url')}`
    this.database.change('insert into sessions values (?, ?)', hashToken(token), found.id)
    return { token }
  }

  /** @throws UnauthorizedException */
  byToken(token: string | undefined): Customer {
    const sql = 'select c.id, c.name from sessions s join customers c on c.id = s.customer_id where s.token_hash = ?'
    const [customer] = this.database.rows<Customer & Record<string, unknown>>(sql, hashToken(token ?? ''))
    if (!customer) throw new UnauthorizedException('Sign in first')
    return { id: customer.id, name: customer.name }
  }
}

/** Tokens are long and random, so a plain hash keeps them as well as a slow one. */
function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

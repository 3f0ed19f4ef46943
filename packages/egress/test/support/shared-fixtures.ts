export * from '@atp/testing/egress'

// The repository on SQLite, apart because only Node has it. Every line is public API: adding one is a decision.
export { sqliteRepositoryType } from './node/sqlite-repository-type.ts'
export { SqliteToolRepository, type SqliteToolRepositoryOptions } from './repository/sqlite-repository.ts'

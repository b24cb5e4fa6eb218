/** A row of any table whose objects the Graph-shaped API shows. */
export type StoredRow = { id: string; version: number } & Record<string, string | number | null>;

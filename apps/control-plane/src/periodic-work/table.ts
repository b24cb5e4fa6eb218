export interface LeaseTables {
  leases: {
    /** What is held, such as `work/audit-retention` or `replica/IDENTIFIER`. */
    name: string;
    /** Identifier of the process that holds it, or `nobody` while finished work rests. */
    holder: string;
    /** By the clock of the database. */
    expires_at: string;
  };
}

export interface RoleTables {
  roles: {
    id: string;
    version: number;
    display_name: string;
    description: string;
    /** JSON list of permissions. */
    permissions: string;
    /** 1 for roles that come with the product. */
    is_built_in: number;
  };
  role_assignments: {
    id: string;
    version: number;
    role_id: string;
    member_kind: string;
    /** Identifier of an account, or name of a group. */
    member: string;
    /** JSON list of scope tags, or null for all. */
    scope_tag_ids: string | null;
  };
}

/** The tables of a device whose size its SwitchProfile may tell (`spec.capacity`). */

export const capacityTables = ['vrfs', 'segments', 'hosts', 'routes', 'mappings', 'aclRules'] as const;
export type CapacityTable = (typeof capacityTables)[number];

/** What the tables hold; of one that is left out no limit is known. */
export type Capacity = { readonly [Table in CapacityTable]?: number };

/** How finding and table call what is counted. */
export const capacityWords: { readonly [Table in CapacityTable]: string } = {
  vrfs: 'VRFs',
  segments: 'segments',
  hosts: 'hosts',
  routes: 'routes',
  mappings: 'mappings',
  aclRules: 'filter rules',
};

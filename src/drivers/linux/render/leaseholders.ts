/** Whose a leased address is, by the goal. */
import { ipv4Number } from '../../../net/address.ts';
import type { Address, Mac, Vni } from '../../../net/brand.ts';
import type { GoalTables } from '../../driver.ts';

/** Whether a machine that is no host of this device may have the address here: by reservation, or out of the device's ranges. */
export const mayLease = ({ reservation, dhcpRange }: Pick<GoalTables, 'reservation' | 'dhcpRange'>, segment: Vni, mac: Mac, address: Address): boolean =>
  reservation.get(`${segment}/${mac}`)?.address === address ||
  [...dhcpRange.values()].some((range) => range.segment === segment && isBetween(address, range));

const isBetween = (address: Address, { from, to }: { readonly from: Address; readonly to: Address }): boolean => {
  const [value, first, last] = [address, from, to].map((each) => ipv4Number(each) ?? Number.NaN);
  return value !== undefined && first !== undefined && last !== undefined && value >= first && value <= last;
};

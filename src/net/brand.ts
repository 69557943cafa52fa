/**
 * Branded scalars: a number that is a VNI cannot be handed where an ASN is wanted. A brand exists only for the type
 * checker; on the wire and in rows these are plain strings and numbers.
 */
declare const brand: unique symbol;

export type Brand<Base, Name extends string> = Base & { readonly [brand]: Name };

/** VXLAN network identifier, 1 to 16,777,215 (RFC 7348 §5). */
export type Vni = Brand<number, 'Vni'>;
/** Autonomous system number, 1 to 4,294,967,294 (RFC 6793; 0 and the last are reserved by RFC 7607 and RFC 7300). */
export type Asn = Brand<number, 'Asn'>;
/** VLAN id, 1 to 4094 (IEEE 802.1Q). */
export type Vlan = Brand<number, 'Vlan'>;
/** EUI-48 in lower case with colons, such as `02:00:5e:00:01:01`. */
export type Mac = Brand<string, 'Mac'>;
/** An IPv4 or IPv6 address in canonical text (RFC 5952 for IPv6). */
export type Address = Brand<string, 'Address'>;
/** A network in canonical text, host bits zero, such as `10.1.0.0/24`. */
export type Prefix = Brand<string, 'Prefix'>;
/** An address together with its network's length, such as `10.1.0.1/24`. */
export type InterfaceAddress = Brand<string, 'InterfaceAddress'>;

/** Why a text did not parse: `code` is stable and ends up in a Finding, `message` is the one sentence for the user. */
export interface Unparsed {
  readonly ok: false;
  readonly code: string;
  readonly message: string;
}

/** What a parser answers: the value, or the one sentence that says what is wrong with the text. */
export type Parsed<Value> = { readonly ok: true; readonly value: Value } | Unparsed;

export const parsed = <Value>(value: Value): Parsed<Value> => ({ ok: true, value });
export const unparsed = (message: string, code = 'Malformed'): Unparsed => ({ ok: false, code, message });

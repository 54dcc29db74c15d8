/** The `host:port` of a tracker's or a STUN server's address (RFC 7064), for people to read. */
export const host = (address: string): string =>
  /^[a-z]+:(?:\/\/)?(?:[^/@]*@)?([^/?#]+)/i.exec(address)?.[1] ?? address;

/** What is wrong with an issuer identifier (OpenID Connect Core §2: https, no query, no fragment); undefined when it is right. */
export function issuerProblem(text: string): string | undefined {
  if (!URL.canParse(text)) return 'expected an address, such as https://login.example.com';
  const { protocol, username, password, search, hash, hostname, pathname } = new URL(text);
  if (protocol !== 'https:' && !(protocol === 'http:' && isLoopback(hostname)))
    return 'expected https; http is for this machine only';
  if (username !== '' || password !== '') return 'leave name and password out of the address';
  if (search !== '' || hash !== '' || /[?#]/.test(text)) return 'leave out what follows "?" or "#"';
  if (pathname.includes('/.well-known/')) return 'leave out /.well-known/ and what follows';
  return undefined;
}

/** True for an issuer that is reached without TLS, on this machine. */
export function isInsecure(issuer: string): boolean {
  return new URL(issuer).protocol === 'http:';
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}

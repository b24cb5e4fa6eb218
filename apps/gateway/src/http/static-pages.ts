/** A page that is always the same: nothing in it tells which product or version answers. */
export interface StaticPage {
  status: number;
  type: string;
  body: string;
}

const html = 'text/html; charset=utf-8';
const xmlType = 'text/xml; charset=utf-8';
const text = 'text/plain; charset=utf-8';

const emptyManifest: StaticPage = {
  status: 200,
  type: xmlType,
  body: '<?xml version="1.0" encoding="UTF-8"?>\n<vpn rev="1.0"></vpn>\n',
};
const emptyPage: StaticPage = { status: 200, type: html, body: '<html></html>\n' };

/** `GET /` of browsers and of load balancers that probe (tunnel-system.md §1.7). */
export const alivePage: StaticPage = {
  status: 200,
  type: html,
  body: '<!DOCTYPE html>\n<html lang="en"><head><title>OK</title></head><body><p>OK</p></body></html>\n',
};

export const notFoundPage: StaticPage = { status: 404, type: text, body: 'Not found\n' };
export const badRequestPage: StaticPage = { status: 400, type: text, body: 'Bad request\n' };
export const tooLargePage: StaticPage = { status: 413, type: text, body: 'Too large\n' };
/** While the gateway is about to stop: a load balancer takes its server out. */
export const drainingPage: StaticPage = { status: 503, type: text, body: 'Stopping\n' };
export const errorPage: StaticPage = { status: 500, type: text, body: 'Error\n' };

/** What Cisco clients fetch around a sign-in (protocol.md §5.2): no newer client, no scripts, no translations. */
export const ciscoPages: Readonly<Record<string, StaticPage>> = {
  '/1/index.html': emptyPage,
  '/1/Linux': emptyPage,
  '/1/Linux_64': emptyPage,
  '/1/Windows': emptyPage,
  '/1/Windows_ARM64': emptyPage,
  '/1/Darwin_i386': emptyPage,
  '/logout': emptyPage,
  '/1/binaries/update.txt': { status: 200, type: text, body: '0,0,0000\n' },
  '/1/binaries/vpndownloader.sh': { status: 200, type: text, body: '#!/bin/sh\n\nexit 0\n' },
  '/1/VPNManifest.xml': emptyManifest,
  '/VPNManifest.xml': emptyManifest,
  '/+CSCOT+/translation-table': emptyManifest,
  '/+CSCOT+/translation-table/*': emptyManifest,
  '/+CSCOT+/oem-customization': emptyManifest,
  '/+CSCOT+/oem-customization/*': emptyManifest,
};

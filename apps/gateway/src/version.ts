import { productVersion } from '@culvert/release/product-version.ts';

/** Of the release that this process was started from. */
export const gatewayVersion = productVersion();

import packageDescription from '../package.json' with { type: 'json' };

/** Version of this gateway. */
export const gatewayVersion: string = packageDescription.version;

export * from './engine-messages.ts';
export * from './networks.ts';
export * from './server-configuration.ts';
export * from './standalone-configuration.ts';

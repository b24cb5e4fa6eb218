export * from './engine-messages.ts';
export * from './networks.ts';
export * from './server-configuration.ts';
export * from './session.ts';
export * from './standalone-configuration.ts';

/** Set by the bundler from package.json. */
declare const NESTKAN_VERSION: string;

export const VERSION = NESTKAN_VERSION;

export interface SettingsTables {
  settings: {
    /** Always the same: there is one row, so that one version stands for all settings. */
    id: string;
    version: number;
    /** JSON object of the settings that were changed; all others have their default. */
    properties: string;
  };
}

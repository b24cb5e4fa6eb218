import type { Language } from '../health-status/words.ts';

export interface NotificationTables {
  notification_channels: {
    id: string;
    version: number;
    display_name: string;
    kind: 'webhook' | 'mail';
    is_enabled: number;
    language: Language;
    /** JSON list: a server that gets one of these is told of. */
    statuses: string;
    /** Of a webhook. */
    url: string | null;
    /** Of mail, as the following. */
    host: string | null;
    port: number | null;
    security: 'tls' | 'startTls' | 'none' | null;
    user_name: string | null;
    sender: string | null;
    /** JSON list. */
    recipients: string | null;
    /** PEM of an authority that is trusted besides those of the system. */
    authority: string | null;
    /** Sealed: the secret of a webhook or the password of mail. */
    secret: string | null;
    has_secret: number;
    last_delivery_at: string | null;
    /** Null again after a delivery. */
    last_error: string | null;
    last_error_at: string | null;
  };
  /** Messages that have not arrived yet. */
  notification_deliveries: {
    id: string;
    channel_id: string;
    created_at: string;
    /** JSON of the message, without a language. */
    message: string;
    failures: number;
    next_attempt_at: string;
  };
}

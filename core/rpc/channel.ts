/** Opens channels: one connection to one address, kept alive, found dead soon, opened again by itself. */
import * as grpc from '@grpc/grpc-js';
import { formatAddress, parseAddress } from '../address.js';
import type { Credentials } from '../identity/tls.js';
import { Unreachable } from './errors.js';
import { KEEPALIVE, RPC_LIMITS } from './limits.js';
import type { Keepalive } from './limits.js';

export interface Channel {
  /** host:port */
  readonly address: string;
  readonly raw: grpc.Channel;
  /** Why the other side's certificate was refused when it last connected, if it was. */
  wrongIdentity(): Error | undefined;
  /** Ends the connection and every call on it. */
  close(): void;
}

/**
 * A channel to `address` (host:port). It connects at the first call.
 * @throws Unreachable if the address is none
 */
export function openChannel(
  address: string,
  credentials: Credentials,
  { keepalive = 'clients' }: { readonly keepalive?: Keepalive } = {},
): Channel {
  const parsed = parseAddress(address);
  if (!parsed || parsed.port === 0)
    throw new Unreachable(`"${address}" is no address: it must be host:port.`);
  // Without the scheme, an address from the network could choose another resolver.
  const raw = new grpc.Channel(
    `dns:${formatAddress(parsed)}`,
    credentials.channel,
    channelOptions(keepalive),
  );
  return { address, raw, wrongIdentity: () => credentials.wrongIdentity(), close: () => raw.close() };
}

function channelOptions(keepalive: Keepalive): grpc.ChannelOptions {
  return {
    ...sharedOptions(),
    'grpc.keepalive_time_ms': KEEPALIVE[keepalive].timeMs,
    'grpc.keepalive_timeout_ms': KEEPALIVE[keepalive].timeoutMs,
    'grpc.keepalive_permit_without_calls': 1,
    // Certificates are checked by role and key, never by host name, so one name stands for all.
    'grpc.ssl_target_name_override': 'glimpse',
    'grpc.default_authority': 'glimpse',
    'grpc.enable_http_proxy': 0,
    'grpc.service_config_disable_resolution': 1,
    'grpc.use_local_subchannel_pool': 1,
    'grpc.initial_reconnect_backoff_ms': RPC_LIMITS.reconnectMinMs,
    'grpc.max_reconnect_backoff_ms': RPC_LIMITS.reconnectMaxMs,
    'grpc-node.flow_control_window': RPC_LIMITS.windowBytes,
    // Writes that fit this buffer count as sent at once: it must not hide a reader that is stuck.
    'grpc.per_rpc_retry_buffer_size': RPC_LIMITS.pieceBytes,
  };
}

/** Options of channels and servers alike. */
export function sharedOptions(): grpc.ChannelOptions {
  // What grpc-js would write to standard error reaches callers as errors, in our words.
  if (process.env['GRPC_VERBOSITY'] === undefined) grpc.setLogVerbosity(grpc.logVerbosity.NONE);
  return {
    'grpc.max_receive_message_length': RPC_LIMITS.messageBytesMax,
    'grpc.max_send_message_length': RPC_LIMITS.messageBytesMax,
    'grpc.enable_channelz': 0,
  };
}

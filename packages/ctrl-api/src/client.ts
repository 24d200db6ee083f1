/** The client of the control socket on Node. */
import { PortableControlClient } from './control-client.ts';
import { type ExchangeRequest, type ExchangeResponse, exchangeOver } from './exchange.ts';
import { nodeTransport } from './node-transport.ts';

export { ControlError } from './control-client.ts';
export { ExchangeError, type ExchangeRequest, type ExchangeResponse } from './exchange.ts';
export { connectionOver, nodeTransport } from './node-transport.ts';

/** See `PortableControlClient`. */
export class ControlClient extends PortableControlClient {
  /** @param options `timeout` in milliseconds without a byte, default 240000 */
  constructor(socketPath: string, options: { timeout?: number } = {}) {
    super(nodeTransport, socketPath, options);
  }
}

/** See `exchangeOver`. */
export function exchange(socketPath: string, request: ExchangeRequest): Promise<ExchangeResponse> {
  return exchangeOver(nodeTransport, socketPath, request);
}

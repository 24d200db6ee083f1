/** The client of the control socket for every host: plain ECMAScript over a transport. */
export { ControlError, errorText, PortableControlClient } from './control-client.ts';
export { ExchangeError, type ExchangeRequest, type ExchangeResponse, exchangeOver } from './exchange.ts';
export { joined } from './http/bytes.ts';
export { type Connection, connectPauses, type Transport, TransportFailure } from './transport.ts';

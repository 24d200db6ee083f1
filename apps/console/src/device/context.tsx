import type { Device, Summary } from '@pantavisor/hub-api';
import { createContext, useContext } from 'react';

export interface ShownDevice {
  device: Device;
  /** nick of the owner, as in the address */
  user: string;
  /** whether the viewer owns it */
  own: boolean;
  summary: Summary | undefined;
  /** revision that is looked at; undefined while there is none */
  rev: number | undefined;
  newest: number | undefined;
}

export const DeviceContext = createContext<ShownDevice | undefined>(undefined);

/** The device of the screen. */
export function useDevice(): ShownDevice {
  const shown = useContext(DeviceContext);
  if (shown === undefined) throw new Error('cannot tell which device this is about: there is none around');
  return shown;
}

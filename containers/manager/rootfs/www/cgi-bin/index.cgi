#!/bin/sh
# What a container with the role mgmt may ask the device: the answer of GET /containers as it is.
printf 'Content-Type: application/json\r\nCache-Control: no-store\r\n\r\n'
pv-request GET /containers 2>&1

#!/bin/sh
# What a container with the role mgmt may ask the device: the answer of GET /containers as plain text.
echo 'Content-Type: application/json'
echo 'Cache-Control: no-store'
echo
pv-request GET /containers 2>&1

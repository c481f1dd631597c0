import { isIPv6 } from "node:net";
import { describe, expect, test } from "vitest";
import { coarseNetworkOf, networkOf } from "../../../src/shared/network-of.ts";

describe("the network of an address", () => {
  test.each([
    ["203.0.113.7", "203.0.113.7"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:DB8:0001:0002::", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["::", "0:0:0:0::/64"],
    ["fe80::1:2:3:4", "fe80:0:0:0::/64"],
    ["1:2:3:4:5:6:7::", "1:2:3:4::/64"],
    ["::ffff:203.0.113.7", "203.0.113.7"],
    ["no address", "no address"],
  ])("of %s is %s", (address, network) => {
    expect(networkOf(address)).toBe(network);
  });

  test("of addresses that differ in their last 64 bits alone is one", () => {
    const addresses = [
      "2001:db8:a:b::",
      "2001:db8:a:b:ffff:ffff:ffff:ffff",
      "2001:db8:a:b::1.2.3.4",
    ];
    expect(addresses.every(isIPv6)).toBe(true);
    expect(new Set(addresses.slice(0, 2).map(networkOf)).size).toBe(1);
  });
});

test.each([
  ["203.0.113.7", "203.0.113.0/24"],
  ["2001:db8:1:2::/64", "2001:db8:1::/48"],
  ["0:0:0:0::/64", "0:0:0::/48"],
])("%s is part of %s", (network, coarse) => {
  expect(coarseNetworkOf(network)).toBe(coarse);
});

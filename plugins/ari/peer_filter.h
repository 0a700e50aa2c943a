// SPDX-License-Identifier: LGPL-2.1-or-later
// Whose packets are let in.
#pragma once

#include <gio/gio.h>

#include <cstdint>
#include <map>
#include <string>

#include "plugins/common/handles.h"

namespace dragoman {

/// What the `peer` property says.
struct PeerAddress {
  GObjectPtr<GInetAddress> address;  ///< null: anybody
  uint16_t port = 0;                 ///< 0: any

  /// Reads "", "host" or "host:port" ("[::1]:5000" for IPv6; a name is looked up, which can wait on
  /// the network). On failure `problem` says what is wrong.
  static bool parse(const char* text, PeerAddress& peer, std::string& problem);
};

/// Lets one sender in: the configured one, or of those that fit the first. Not thread-safe.
class PeerFilter {
 public:
  /// Starts anew with `peer`.
  void expect(PeerAddress peer);
  /// Forgets the sender it settled on.
  void release() { remote_.reset(); }

  /// Whether a packet from `sender` may come in; does not settle on it yet.
  bool accepts(GInetSocketAddress* sender) const;
  /// Settles on `sender`. True if it had not before.
  bool settle(GInetSocketAddress* sender);
  /// Where to send: the sender settled on, or the one configured with its port; null as long as
  /// neither is known. Owned by the filter.
  GSocketAddress* remote() const;

 private:
  PeerAddress peer_;
  GObjectPtr<GSocketAddress> configured_;
  GObjectPtr<GSocketAddress> remote_;
};

/// "host:port" of `address`.
std::string address_text(GInetSocketAddress* address);

/// Says once per text and 10 s that something happened, however often it does. Bounded.
class Throttle {
 public:
  /// Whether to speak of `what` at `now_ns` (monotonic).
  bool allows(const std::string& what, int64_t now_ns);

 private:
  static constexpr int64_t kQuietNs = 10'000'000'000;
  static constexpr size_t kMost = 64;
  std::map<std::string, int64_t> last_;
};

}  // namespace dragoman

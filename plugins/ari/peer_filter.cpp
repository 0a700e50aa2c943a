// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/ari/peer_filter.h"

namespace dragoman {
namespace {

bool same(GInetSocketAddress* one, GInetSocketAddress* other) {
  return g_inet_socket_address_get_port(one) == g_inet_socket_address_get_port(other) &&
         g_inet_address_equal(g_inet_socket_address_get_address(one),
                              g_inet_socket_address_get_address(other));
}

GInetAddress* resolve(const char* host, std::string& problem) {
  if (GInetAddress* numeric = g_inet_address_new_from_string(host)) return numeric;
  GObjectPtr<GResolver> resolver(g_resolver_get_default());
  GError* failure = nullptr;
  GList* found = g_resolver_lookup_by_name(resolver.get(), host, nullptr, &failure);
  if (!found) {
    ErrorPtr error(failure);
    problem = error->message;
    return nullptr;
  }
  auto* address = G_INET_ADDRESS(g_object_ref(found->data));
  g_resolver_free_addresses(found);
  return address;
}

}  // namespace

bool PeerAddress::parse(const char* text, PeerAddress& peer, std::string& problem) {
  peer = {};
  if (!text || !*text) return true;
  GError* failure = nullptr;
  GObjectPtr<GNetworkAddress> parsed(G_NETWORK_ADDRESS(g_network_address_parse(text, 0, &failure)));
  if (!parsed) {
    ErrorPtr error(failure);
    problem = error->message;
    return false;
  }
  peer.port = g_network_address_get_port(parsed.get());
  peer.address.reset(resolve(g_network_address_get_hostname(parsed.get()), problem));
  return peer.address != nullptr;
}

void PeerFilter::expect(PeerAddress peer) {
  peer_ = std::move(peer);
  remote_.reset();
  configured_.reset(peer_.address && peer_.port
                        ? g_inet_socket_address_new(peer_.address.get(), peer_.port)
                        : nullptr);
}

bool PeerFilter::accepts(GInetSocketAddress* sender) const {
  if (remote_) return same(sender, G_INET_SOCKET_ADDRESS(remote_.get()));
  if (!peer_.address) return true;
  return g_inet_address_equal(peer_.address.get(), g_inet_socket_address_get_address(sender)) &&
         (peer_.port == 0 || peer_.port == g_inet_socket_address_get_port(sender));
}

bool PeerFilter::settle(GInetSocketAddress* sender) {
  if (remote_) return false;
  remote_.reset(G_SOCKET_ADDRESS(g_object_ref(sender)));
  return true;
}

GSocketAddress* PeerFilter::remote() const { return remote_ ? remote_.get() : configured_.get(); }

std::string address_text(GInetSocketAddress* address) {
  CharPtr text(g_socket_connectable_to_string(G_SOCKET_CONNECTABLE(address)));
  return text.get();
}

bool Throttle::allows(const std::string& what, int64_t now_ns) {
  const auto found = last_.find(what);
  if (found != last_.end() && now_ns - found->second < kQuietNs) return false;
  if (found == last_.end() && last_.size() >= kMost) {
    std::erase_if(last_, [&](const auto& entry) { return now_ns - entry.second >= kQuietNs; });
    if (last_.size() >= kMost) return false;
  }
  last_[what] = now_ns;
  return true;
}

}  // namespace dragoman
